"""What people write in project.yaml, and what is said when it is wrong."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import (
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from adaptors import ADAPTORS
from workbench.inboxwritten import InboxWritten
from workbench.written import Name, Written, wrong
from workbench.yamltext import Keys, Mistake, Source, exact, exact_int

_LATER = ("cron", "success", "failure")
# A compiled fragment is compared by a function that calls itself at each level.
_DEEPEST = 50
_EXAMPLES = {
    "name": "name: community-health",
    "inboxes": "inboxes: {field-data: {id_sha256: …}}",
    "id_sha256": "id_sha256: and the SHA-256 of the inbox's id",
    "triggers": "triggers: {registration: {inclusion: {formId: registration}}}",
    "inclusion": "inclusion: {formId: registration}, or {} for every message",
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


def _fragment(value: Any) -> Any:
    if value is None:
        what = "the fragment is empty; write one, such as {formId: registration}; {} is any object"
        raise wrong((), what)
    _check(value, ())
    return value


def _check(value: Any, path: Keys) -> None:
    if len(path) > _DEEPEST:
        raise wrong((), f"a fragment may be nested {_DEEPEST} deep at most, and not hold itself")
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise wrong((*path, key), "a key is text; put it in quotes")
            _check(part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _check(part, (*path, number))
    elif isinstance(value, Decimal):
        raise wrong(path, "this number has too many digits to be kept exactly; write fewer")
    elif isinstance(value, float) and not math.isfinite(value):
        raise wrong(path, "JSON has no such number; put it in quotes if a form sends it as text")
    elif not isinstance(value, str | int | float | None):
        raise wrong(path, "JSON has no such value; put it in quotes if a form sends it as text")


Fragment = Annotated[Any, PlainValidator(_fragment)]


class TriggerWritten(Written):
    """A message filter; `criteria` is OpenFn's own way to write the inclusion, as JSON text."""

    inbox: Name | None = None
    inclusion: Fragment
    exclusion: list[Fragment] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _openfn(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for key in _LATER:
            if key in value:
                raise wrong(
                    (key,), f"`{key}` triggers are not supported yet; only message filters are"
                )
        if isinstance(value.get("inclusion"), str):
            what = "this is text; write {formId: registration}, or JSON text under `criteria`"
            raise wrong(("inclusion",), what)
        if "criteria" not in value:
            return value
        if "inclusion" in value:
            raise wrong(
                ("criteria",), "`criteria` is OpenFn's word for `inclusion`: keep one of them"
            )
        rest = {key: each for key, each in value.items() if key != "criteria"}
        return {**rest, "inclusion": _criteria(value["criteria"])}

    @field_validator("exclusion", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]


class CredentialWritten(Written):
    """A named secret and the adaptor it is for; the secret itself is in Secrets Manager."""

    adaptor: Name

    @field_validator("adaptor")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ADAPTORS:
            raise wrong((), f"there is no adaptor `{name}`; there is {', '.join(ADAPTORS)}")
        return name


class JobWritten(Written):
    """A trigger, a credential and an expression: the path of a Python file."""

    trigger: Name
    credential: Name | None = None
    expression: str


class ProjectWritten(Written):
    """A whole project.yaml."""

    name: Name
    inboxes: dict[Name, InboxWritten] = Field(min_length=1)
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


_ENTRIES: dict[str, type[Written]] = {
    "inboxes": InboxWritten,
    "triggers": TriggerWritten,
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


def _criteria(text: Any) -> Any:
    if not isinstance(text, str):
        raise wrong(
            ("criteria",), "`criteria` is JSON text in quotes; without them write `inclusion`"
        )
    try:
        value = json.loads(text, parse_float=exact, parse_int=exact_int)
        return _fragment(value)
    except PydanticCustomError as error:
        context = error.context or {}
        raise wrong(("criteria", *context["path"]), context["what"]) from None
    except (ValueError, RecursionError) as error:
        raise wrong(("criteria",), f"a fragment as JSON text belongs here: {error}") from None


def _mistake(source: Source, error: ErrorDetails) -> Mistake:
    path: Keys = tuple(step for step in error["loc"] if step != "[key]")
    if error["type"] == "wrong":
        return source.mistake((*path, *error["ctx"]["path"]), error["ctx"]["what"])
    if error["type"] == "missing":
        what = f"the key `{path[-1]}` is missing; write {_EXAMPLES[path[-1]]}"
        return source.mistake(path[:-1], what)
    return source.mistake(path, _said(path, error))


def _said(path: Keys, error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(path)
    if error["type"] in ("model_type", "dict_type"):
        return f"write keys below it: {', '.join(_keys(path))}"
    if "id_sha256" in path:
        return "write the SHA-256 of the inbox's id: 64 digits 0-9 and a-f"
    if error["input"] is None:
        return "a value is missing here"
    if error["type"] == "string_type" and isinstance(error["input"], list | dict):
        return "one text belongs here"
    return _REMEDIES.get(error["type"], error["msg"])


def _unknown(path: Keys) -> str:
    known = _keys(path[:-1])
    near = get_close_matches(str(path[-1]), known, 1)
    there = f"did you mean `{near[0]}`?" if near else f"there is {', '.join(known)}"
    return f"there is no such key; {there}"


def _keys(path: Keys) -> list[str]:
    if len(path) == 1:
        return ["a name for each, with keys of its own"]
    return list((_ENTRIES[path[0]] if path else ProjectWritten).model_fields)
