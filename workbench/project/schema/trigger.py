"""The schema of a trigger: a message filter, cron, or how another job ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from cronsim import CronSim, CronSimError
from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    field_validator,
    model_validator,
)

from workbench.project.schema.base import (
    Name,
    Spec,
    Timezone,
    invalid,
    parse_minutes,
    parse_value_path,
)
from workbench.project.schema.fragment import Fragment, parse_criteria

# `criteria` is OpenFn's word for `inclusion`.
_KINDS = ("inclusion", "criteria", "cron", "success", "failure")
_CRON_NAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = "minute, hour, day of the month, month, day of the week"


def _parse_cron(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid((), f"Write five fields in quotes ({_FIELDS}), such as '0 1 * * *'.")
    text = value.strip()
    if text.startswith("@") and text.lower() not in _CRON_NAMES:
        raise invalid((), f"There is no such name. Use one of {', '.join(_CRON_NAMES)}.")
    fields = _CRON_NAMES.get(text.lower(), text).split()
    if len(fields) != len(_FIELDS.split(", ")):
        example = f"Write five fields ({_FIELDS}), such as '0 1 * * *'."
        raise invalid((), f"{example} This has {len(fields)}.")
    try:
        next(CronSim(" ".join(fields), datetime.now(UTC)))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ").replace("-", " ")
        raise invalid((), f"The {field} is not valid, or there is no such day.") from None
    except StopIteration:
        raise invalid((), "There is no such day in the next 50 years.") from None
    return " ".join(fields)


def _fragments(value: Any) -> list[Any]:
    if value == []:
        message = "A list has several fragments. Write at least one, or [[]] for any list."
        raise invalid(("inclusion",), message)
    fragments = value if isinstance(value, list) else [value]
    for position, fragment in enumerate(fragments):
        if isinstance(fragment, str):
            example = "Write {formId: registration}, or JSON text under `criteria`."
            raise invalid(("inclusion", position), f"This is text. {example}")
    return fragments


class MessageTriggerSpec(Spec):
    """A message filter: the message contains one of the inclusions and no exclusion."""

    inbox: Name | None = None
    inclusion: Annotated[list[Fragment], Field(serialization_alias="inclusions")]
    exclusion: list[Fragment] = Field(default_factory=list)
    order_by: Annotated[list[str | int], PlainValidator(parse_value_path)] = Field(
        default_factory=list
    )

    @model_validator(mode="before")
    @classmethod
    def _from_criteria(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        options = {key: option for key, option in value.items() if key != "criteria"}
        if "criteria" in value:
            # A list in this text is one fragment, as in OpenFn.
            return {**options, "inclusion": [parse_criteria(value["criteria"])]}
        if "inclusion" in value:
            return {**options, "inclusion": _fragments(value["inclusion"])}
        return value

    @field_validator("exclusion", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]


class CronTriggerSpec(Spec):
    """A cron expression, in the project's time zone unless it has its own.

    Minutes missed within `catch_up` run late.
    """

    cron: Annotated[str, PlainValidator(_parse_cron)]
    timezone: Timezone | None = None
    catch_up: Annotated[int, PlainValidator(parse_minutes)] = 1440


class SuccessTriggerSpec(Spec):
    """The success of another job."""

    success: Name


class FailureTriggerSpec(Spec):
    """The failure of another job."""

    failure: Name


TRIGGER_SPECS: dict[str, type[Spec]] = {
    "message": MessageTriggerSpec,
    "cron": CronTriggerSpec,
    "success": SuccessTriggerSpec,
    "failure": FailureTriggerSpec,
}
"""The model of each kind of trigger."""


def _require_one_kind(value: Any) -> Any:
    kinds = [kind for kind in _KINDS if isinstance(value, dict) and kind in value]
    if kinds == ["inclusion", "criteria"]:
        message = "`criteria` is OpenFn's word for `inclusion`. Keep one of them."
        raise invalid(("criteria",), message)
    if len(kinds) > 1:
        message = f"A trigger cannot have both `{kinds[0]}` and `{kinds[1]}`. Write two triggers."
        raise invalid((kinds[1],), message)
    return value


def _kind_of(value: Any) -> str:
    if isinstance(value, Spec):
        return next(kind for kind, spec in TRIGGER_SPECS.items() if isinstance(value, spec))
    kinds = [kind for kind in TRIGGER_SPECS if isinstance(value, dict) and kind in value]
    return kinds[0] if kinds else "message"


TriggerSpec = Annotated[
    Annotated[MessageTriggerSpec, Tag("message")]
    | Annotated[CronTriggerSpec, Tag("cron")]
    | Annotated[SuccessTriggerSpec, Tag("success")]
    | Annotated[FailureTriggerSpec, Tag("failure")],
    Discriminator(_kind_of),
    BeforeValidator(_require_one_kind),
]
