"""What people write about a trigger: a message filter, the clock, or how another job ended."""

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

from workbench.project.schema.base import Name, Written, minutes, path_of_one, wrong
from workbench.project.schema.fragment import Fragment, criteria

# OpenFn's way to write `inclusion` is `criteria`.
_STARTS = ("inclusion", "criteria", "cron", "success", "failure")
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = "minute, hour, day of the month, month, day of the week"


def _cron(text: Any) -> str:
    if not isinstance(text, str):
        raise wrong((), f"five fields in quotes belong here ({_FIELDS}), such as '0 1 * * *'")
    written = text.strip()
    if written.startswith("@") and written.lower() not in _NAMED:
        raise wrong((), f"there is no such name; there is {', '.join(_NAMED)}")
    fields = _NAMED.get(written.lower(), written).split()
    if len(fields) != len(_FIELDS.split(", ")):
        what = f"write five fields ({_FIELDS}), such as '0 1 * * *'; this has {len(fields)}"
        raise wrong((), what)
    try:
        next(CronSim(" ".join(fields), datetime.now(UTC)))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ").replace("-", " ")
        raise wrong((), f"the {field} is not understood, or there is no such day") from None
    except StopIteration:
        raise wrong((), "there is no such day in the next 50 years") from None
    return " ".join(fields)


class MessageWritten(Written):
    """A message filter."""

    inbox: Name | None = None
    inclusion: Fragment
    exclusion: list[Fragment] = Field(default_factory=list)
    order_by: Annotated[list[str | int], PlainValidator(path_of_one)] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _openfn(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("inclusion"), str):
            what = "this is text; write {formId: registration}, or JSON text under `criteria`"
            raise wrong(("inclusion",), what)
        if "criteria" not in value:
            return value
        rest = {key: each for key, each in value.items() if key != "criteria"}
        return {**rest, "inclusion": criteria(value["criteria"])}

    @field_validator("exclusion", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]


class CronWritten(Written):
    """Minutes of the clock, UTC; missed ones are made up for as long as `catch_up`, in minutes."""

    cron: Annotated[str, PlainValidator(_cron)]
    catch_up: Annotated[int, PlainValidator(minutes)] = 1440


class SuccessWritten(Written):
    """The success of another job."""

    success: Name


class FailureWritten(Written):
    """The failure of another job."""

    failure: Name


TRIGGERS: dict[str, type[Written]] = {
    "message": MessageWritten,
    "cron": CronWritten,
    "success": SuccessWritten,
    "failure": FailureWritten,
}
"""What is written about each kind of trigger."""


def _one_start(value: Any) -> Any:
    starts = [key for key in _STARTS if isinstance(value, dict) and key in value]
    if starts == ["inclusion", "criteria"]:
        what = "`criteria` is OpenFn's word for `inclusion`: keep one of them"
        raise wrong(("criteria",), what)
    if len(starts) > 1:
        what = f"a trigger has one of `{starts[0]}` and `{starts[1]}`: make two triggers of it"
        raise wrong((starts[1],), what)
    return value


def _kind(value: Any) -> str:
    if isinstance(value, Written):
        return next(kind for kind, each in TRIGGERS.items() if isinstance(value, each))
    named = [kind for kind in TRIGGERS if isinstance(value, dict) and kind in value]
    return named[0] if named else "message"


TriggerWritten = Annotated[
    Annotated[MessageWritten, Tag("message")]
    | Annotated[CronWritten, Tag("cron")]
    | Annotated[SuccessWritten, Tag("success")]
    | Annotated[FailureWritten, Tag("failure")],
    Discriminator(_kind),
    BeforeValidator(_one_start),
]
