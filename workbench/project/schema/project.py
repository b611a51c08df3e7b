"""The schema of project.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, field_validator, model_validator

import adaptors
from workbench.project.schema.base import Name, Spec, Timezone, invalid, parse_minutes
from workbench.project.schema.inbox import InboxSpec
from workbench.project.schema.trigger import MessageTriggerSpec, TriggerSpec

_INBOX_EXAMPLE = "inboxes: {field-data: {id_sha256: …}}"


def _parse_seconds(text: object) -> int:
    return 60 * parse_minutes(text)


class CredentialSpec(Spec):
    """The name of a secret and its adaptor. Secrets Manager has the secret itself."""

    adaptor: Name
    max_concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    refresh: bool = False
    """Whether the runner may replace the secret when its refresh token is replaced."""

    @field_validator("adaptor")
    @classmethod
    def _require_adaptor(cls, name: str) -> str:
        if not adaptors.is_adaptor(name):
            names = ", ".join(adaptors.names())
            raise invalid((), f"There is no adaptor `{name}`. The adaptors are: {names}.")
        return name


class RetrySpec(Spec):
    """How many attempts a run gets, within how many seconds, and where they start."""

    attempts: Annotated[int, Field(ge=1, le=12)] = 8
    up_to: Annotated[int, PlainValidator(_parse_seconds)] = 6 * 3600
    fresh: bool = False


class JobSpec(Spec):
    """Triggers, a credential and an expression, the path of a Python or JavaScript file."""

    trigger: list[Name] = Field(min_length=1)
    credential: Name | None = None
    expression: str
    adaptor: str | None = None
    retry: RetrySpec = Field(default_factory=RetrySpec)

    @model_validator(mode="before")
    @classmethod
    def _from_triggers(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "triggers" not in value:
            return value
        if "trigger" in value:
            raise invalid(("triggers",), "`trigger` has one name or a list. Keep one of the keys.")
        options = {key: option for key, option in value.items() if key != "triggers"}
        return {**options, "trigger": value["triggers"]}

    @field_validator("trigger", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        if isinstance(value, str) and "," in value:
            raise invalid((), f"Write several triggers as a list: [{value}].")
        return value if isinstance(value, list) else [value]

    @field_validator("trigger")
    @classmethod
    def _require_distinct(cls, names: list[str]) -> list[str]:
        for position, name in enumerate(names):
            if name in names[:position]:
                raise invalid((position,), f"{name} is there twice. Remove it here.")
        return names


class ProjectSpec(Spec):
    """The content of project.yaml."""

    name: Name
    inboxes: dict[Name, InboxSpec] = Field(default_factory=dict)
    triggers: dict[Name, TriggerSpec] = Field(min_length=1)
    credentials: dict[Name, CredentialSpec] = Field(default_factory=dict)
    jobs: dict[Name, JobSpec] = Field(min_length=1)
    timezone: Timezone = "UTC"
    missing: Literal["absent"] | None = "absent"

    @field_validator("missing", mode="before")
    @classmethod
    def _require_choice(cls, choice: object) -> object:
        if choice not in ("absent", None):
            raise invalid((), "Write null, to send null for a missing answer, or absent.")
        return choice

    def triggers_of(self, job: str) -> list[TriggerSpec]:
        """Return the triggers of a job."""
        return [self.triggers[name] for name in self.jobs[job].trigger]

    def dialect_of(self, job: JobSpec) -> str:
        """Return the adaptor whose operations a JavaScript job has: its own or its credential's."""
        of_credential = self.credentials[job.credential].adaptor if job.credential else "common"
        return job.adaptor or of_credential

    @field_validator("inboxes")
    @classmethod
    def _require_distinct_ids(cls, inboxes: dict[str, InboxSpec]) -> dict[str, InboxSpec]:
        owners: dict[str, str] = {}
        for name, inbox in inboxes.items():
            for digest in inbox.id_sha256:
                if owners.setdefault(digest, name) != name:
                    message = f"The inbox {owners[digest]} has the same id. Use different ids."
                    raise invalid((name, "id_sha256"), message)
        return inboxes

    @model_validator(mode="after")
    def _require_inbox_for_messages(self) -> ProjectSpec:
        filters = [
            name
            for name, trigger in self.triggers.items()
            if isinstance(trigger, MessageTriggerSpec)
        ]
        if filters and not self.inboxes:
            message = f"The trigger {filters[0]} needs an inbox. Write `{_INBOX_EXAMPLE}`."
            raise invalid(("inboxes",), message)
        return self
