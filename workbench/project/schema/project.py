"""What people write in project.yaml, and what is said when it is wrong."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

from pydantic import Field, PlainValidator, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

import adaptors
from workbench.project.schema.base import Name, Written, minutes, wrong
from workbench.project.schema.inbox import InboxWritten
from workbench.project.schema.trigger import TRIGGERS, MessageWritten, TriggerWritten
from workbench.project.yaml_source import Keys, Mistake, Source

_EXAMPLES = {
    "name": "name: community-health",
    "inboxes": "inboxes: {field-data: {id_sha256: …}}",
    "id_sha256": "id_sha256: and the SHA-256 of the inbox's id",
    "triggers": "triggers: {registration: {inclusion: {formId: registration}}}",
    "inclusion": "inclusion: {formId: registration}, or {} for every message; or else cron, "
    "success or failure",
    "adaptor": "adaptor: http",
    "jobs": "jobs: {register: {trigger: …, expression: jobs/register.py}}",
    "trigger": "trigger: and the name of one",
    "expression": "expression: jobs/register.py",
}
_REMEDIES = {
    "string_pattern_mismatch": "begin with a letter or digit; then letters, digits, - and _ "
    "(64 at most)",
    "string_type": "a text belongs here; put it in quotes",
    "too_short": "at least one is needed",
    "invalid_key": "a key is text; put it in quotes",
}


def _seconds(text: object) -> int:
    return 60 * minutes(text)


class CredentialWritten(Written):
    """A named secret and the adaptor it is for; the secret itself is in Secrets Manager."""

    adaptor: Name
    max_concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None

    @field_validator("adaptor")
    @classmethod
    def _known(cls, name: str) -> str:
        if not adaptors.is_adaptor(name):
            there = ", ".join(adaptors.names())
            raise wrong((), f"there is no adaptor `{name}`; there is {there}")
        return name


class RetryWritten(Written):
    """How often a run is tried that failed for now, within how many seconds, and from where on."""

    attempts: Annotated[int, Field(ge=1, le=12)] = 8
    up_to: Annotated[int, PlainValidator(_seconds)] = 6 * 3600
    fresh: bool = False


class JobWritten(Written):
    """A trigger, a credential and an expression: the path of a Python file."""

    trigger: Name
    credential: Name | None = None
    expression: str
    retry: RetryWritten = Field(default_factory=RetryWritten)


class ProjectWritten(Written):
    """A whole project.yaml."""

    name: Name
    inboxes: dict[Name, InboxWritten] = Field(default_factory=dict)
    triggers: dict[Name, TriggerWritten] = Field(min_length=1)
    credentials: dict[Name, CredentialWritten] = Field(default_factory=dict)
    jobs: dict[Name, JobWritten] = Field(min_length=1)

    @field_validator("inboxes")
    @classmethod
    def _each_its_own(cls, inboxes: dict[str, InboxWritten]) -> dict[str, InboxWritten]:
        owners: dict[str, str] = {}
        for name, inbox in inboxes.items():
            for digest in inbox.id_sha256:
                if owners.setdefault(digest, name) != name:
                    what = f"the inbox {owners[digest]} has the same; give each its own id"
                    raise wrong((name, "id_sha256"), what)
        return inboxes

    @model_validator(mode="after")
    def _reached(self) -> ProjectWritten:
        messages = [
            name for name, each in self.triggers.items() if isinstance(each, MessageWritten)
        ]
        if messages and not self.inboxes:
            what = f"at least one is needed, for {messages[0]}; write {_EXAMPLES['inboxes']}"
            raise wrong(("inboxes",), what)
        return self


_ENTRIES: dict[str, type[Written]] = {
    "inboxes": InboxWritten,
    "credentials": CredentialWritten,
    "jobs": JobWritten,
}


def validated(source: Source) -> tuple[ProjectWritten | None, list[Mistake]]:
    """Give the project a YAML file describes, or `None` and what is wrong with it."""
    if source.written is None:
        what = f"the file is empty; write {', '.join(ProjectWritten.model_fields)}"
        return None, [source.mistake((), what)]
    try:
        return ProjectWritten.model_validate(source.written), []
    except ValidationError as error:
        return None, [_mistake(source, each) for each in error.errors()]


def _mistake(source: Source, error: ErrorDetails) -> Mistake:
    path: Keys = tuple(step for step in error["loc"] if step != "[key]")
    entry = _ENTRIES.get(path[0]) if path else ProjectWritten
    if path[:1] == ("triggers",) and len(path) > 2 and path[2] in TRIGGERS:  # noqa: PLR2004 - triggers, name, kind
        entry, path = TRIGGERS[path[2]], (*path[:2], *path[3:])
    if error["type"] == "wrong":
        return source.mistake((*path, *error["ctx"]["path"]), error["ctx"]["what"])
    if error["type"] == "missing":
        what = f"the key `{path[-1]}` is missing; write {_EXAMPLES[path[-1]]}"
        return source.mistake(path[:-1], what)
    return source.mistake(path, _said(path, error, entry))


def _said(path: Keys, error: ErrorDetails, entry: type[Written] | None) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(path, entry if len(path) > 1 else ProjectWritten)
    if error["type"] in ("model_type", "dict_type"):
        return f"write keys below it: {', '.join(_keys(path, entry))}"
    if "id_sha256" in path:
        return "write the SHA-256 of the inbox's id: 64 digits 0-9 and a-f"
    if error["input"] is None:
        return "a value is missing here"
    if error["type"] == "string_type" and isinstance(error["input"], list | dict):
        return "one text belongs here"
    return _REMEDIES.get(error["type"], error["msg"])


def _unknown(path: Keys, entry: type[Written] | None) -> str:
    known = list(entry.model_fields) if entry else []
    near = get_close_matches(str(path[-1]), known, 1)
    there = f"did you mean `{near[0]}`?" if near else f"there is {', '.join(known)}"
    return f"there is no such key; {there}"


def _keys(path: Keys, entry: type[Written] | None) -> list[str]:
    if len(path) == 1 or entry is None:
        return ["a name for each, with keys of its own"]
    return list(entry.model_fields)
