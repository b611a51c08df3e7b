"""What people write in project.yaml, and what is said when it is wrong.

YAML 1.2: an answer of `yes` stays a string, as forms send it, and so does a date.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_LATER = ("cron", "success", "failure")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something to mend before the project can be deployed."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class ProjectMistakes(Exception):
    """All that was found wrong with a project; one `Mistake` each."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InboxWritten(_Written):
    """A named, secret URL: only the SHA-256 of its id stands in the project."""

    id_sha256: list[Digest]

    @field_validator("id_sha256", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class TriggerWritten(_Written):
    """A message filter; `criteria` is OpenFn's own way to write the inclusion, as JSON text."""

    inbox: Name | None = None
    inclusion: JsonValue = Field(default_factory=dict)
    exclusion: list[JsonValue] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _openfn(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for key in _LATER:
            if key in value:
                raise ValueError(
                    f"`{key}` triggers are not supported yet; only message filters are"
                )
        if "criteria" in value and "inclusion" in value:
            raise ValueError("`criteria` is OpenFn's word for `inclusion`: keep one of them")
        if "criteria" in value:
            value = dict(value)
            value["inclusion"] = _json(value.pop("criteria"))
        elif "inclusion" not in value:
            raise ValueError("a trigger needs an `inclusion`, such as {formId: registration}")
        return value

    @field_validator("exclusion", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]


class CredentialWritten(_Written):
    """A named secret and the adaptor it is for; the secret itself is in Secrets Manager."""

    adaptor: Name


class JobWritten(_Written):
    """A trigger, a credential and an expression: the path of a Python file."""

    trigger: Name
    credential: Name | None = None
    expression: str


class ProjectWritten(_Written):
    """A whole project.yaml."""

    name: Name
    inboxes: dict[Name, InboxWritten] = Field(min_length=1)
    triggers: dict[Name, TriggerWritten] = Field(min_length=1)
    credentials: dict[Name, CredentialWritten] = Field(default_factory=dict)
    jobs: dict[Name, JobWritten] = Field(min_length=1)


class _Constructor(SafeConstructor):
    """YAML's own types, but a date stays the text that a form would send."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


@dataclass(frozen=True, slots=True)
class Source:
    """A project.yaml as text: knows on which line a key stands."""

    file: str
    text: str

    def mistake(self, path: tuple[str | int, ...], what: str) -> Mistake:
        """Say what is wrong at a path of keys."""
        where = ".".join(map(str, path))
        return Mistake(self.file, self.line_of(path), f"{where}: {what}" if where else what)

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """Give the line (from 1) of the deepest key of a path that is there."""
        node, line = _yaml().compose(self.text), 1
        for step in path:
            pairs = node.value if node is not None and node.id == "mapping" else []
            found = [(key, value) for key, value in pairs if key.value == str(step)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        return line


def read(path: Path) -> tuple[ProjectWritten, Source]:
    """Read and validate a project.yaml; raises `ProjectMistakes`."""
    try:
        source = Source(path.name, path.read_text("utf-8"))
        written = _yaml().load(source.text)
    except FileNotFoundError:
        raise ProjectMistakes([Mistake(str(path), 1, "there is no such file")]) from None
    except UnicodeDecodeError:
        raise ProjectMistakes([Mistake(path.name, 1, "the file is not UTF-8 text")]) from None
    except YAMLError as error:
        raise ProjectMistakes([_yaml_mistake(path.name, error)]) from None
    try:
        return ProjectWritten.model_validate(written), source
    except ValidationError as error:
        raise ProjectMistakes([_mistake(source, dict(each)) for each in error.errors()]) from None


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    return yaml


def _yaml_mistake(file: str, error: YAMLError) -> Mistake:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    problem = error.problem if isinstance(error, MarkedYAMLError) else str(error)
    return Mistake(file, mark.line + 1 if mark else 1, f"not YAML: {problem}")


def _mistake(source: Source, error: dict[str, Any]) -> Mistake:
    path = tuple(step for step in error["loc"] if step != "[key]")
    remedies = {
        "extra_forbidden": "there is no such key here; see docs/project.md for those there are",
        "missing": "this key is missing",
        "string_pattern_mismatch": "use letters, digits, - and _ (at most 64)",
        "too_short": "at least one is needed",
        "model_type": "a mapping of keys belongs here",
        "dict_type": "a mapping of keys belongs here",
    }
    what = remedies.get(error["type"], error["msg"].removeprefix("Value error, "))
    if path[-1:] == ("id_sha256",) or "id_sha256" in path:
        what = "write the SHA-256 of the inbox's id: 64 digits 0-9 and a-f"
    if path and error["type"] == "missing":
        return source.mistake(path[:-1], f"the key `{path[-1]}` is missing")
    return source.mistake(path, what)


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`criteria` is a fragment as JSON text; this is not: {error}") from None
