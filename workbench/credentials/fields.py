"""What a credential holds, key by key, as its adaptor's `Configuration` says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import AliasChoices, BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from adaptors.credentials import Secret, describe_problems

Model = type[BaseModel]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a credential; one that holds further keys stands before them.

    `path` has the keys that lead to it, as OpenFn names them: `("tls", "ca")`.
    """

    path: tuple[str, ...]
    field: FieldInfo
    required: bool
    holds: Model | None = None

    @property
    def name(self) -> str:
        """Give the key as it is shown: `tls.ca`."""
        return ".".join(self.path)

    @property
    def secret(self) -> bool:
        """Tell whether its value must not be seen."""
        return Secret in (self.field.annotation, *get_args(self.field.annotation))

    @property
    def default(self) -> Any:
        """Give what it is when it is left out; `None` for nothing."""
        given = self.field.get_default(call_default_factory=True, validated_data={})
        plain = isinstance(given, str | int | float | list | dict)
        return given if plain and not self.required else None

    @property
    def description(self) -> str:
        """Say what belongs there."""
        return self.field.description or ""


def model(adaptor: str) -> Model:
    """Give an adaptor's model of its credential."""
    found: Model = import_module(f"adaptors.{adaptor}").Configuration
    return found


def keys(of: Model, above: tuple[str, ...] = (), *, needed: bool = True) -> list[Key]:
    """Give the keys of a model in its order."""
    found = []
    for name, field in of.model_fields.items():
        holds = _model_in(field.annotation)
        required = needed and field.is_required()
        key = Key((*above, _written(name, field)), field, required, holds)
        found += [key, *(keys(holds, key.path, needed=required) if holds else [])]
    return found


def renamed(of: Model, body: Body) -> dict[str, Any]:
    """Give a body with the keys OpenFn gives them, whichever of both names they had."""
    names = {name: _written(name, field) for name, field in of.model_fields.items()}
    inside = {names[n]: _model_in(field.annotation) for n, field in of.model_fields.items()}
    found = {names.get(key, key): value for key, value in body.items()}
    for key, holds in inside.items():
        if holds and isinstance(found.get(key), dict):
            found[key] = renamed(holds, found[key])
    return found


def mistakes(of: Model, body: Body) -> str:
    """Say what is wrong with a body, without any value of it; nothing when it fits."""
    try:
        of.model_validate(dict(body))
    except ValidationError as error:
        return describe_problems(error)
    return ""


def unknown(of: Model, body: Body) -> Iterator[str]:
    """Say which keys of a body its adaptor does not name, and which it may have meant."""
    known = [_written(name, field) for name, field in of.model_fields.items()]
    for key in renamed(of, body):
        if key not in known:
            lower = {each.lower(): each for each in known}
            near = get_close_matches(key.lower(), lower, 1, 0.75)
            meant = f"; did you mean `{lower[near[0]]}`?" if near else ""
            yield f"`{key}` is no key of this adaptor, and kept for the job to read{meant}"


def given(body: Body, above: str = "") -> list[str]:
    """Give the names of the keys that have a value: `tls.ca`."""
    found = []
    for key, value in body.items():
        if isinstance(value, Mapping) and value:
            found += given(value, f"{above}{key}.")
        elif value is not None:
            found.append(f"{above}{key}")
    return found


def inserted(body: Body, path: Sequence[str], value: Any) -> dict[str, Any]:
    """Give a body with a value at a path; `None` takes away what is there."""
    first, *rest = path
    inside = body.get(first)
    if rest:
        value = inserted(inside if isinstance(inside, Mapping) else {}, rest, value) or None
    if value is None:
        return {key: part for key, part in body.items() if key != first}
    return {**body, first: value}


def at(body: Body, path: Sequence[str]) -> Any:
    """Give the value at a path of a body; `None` where there is none."""
    found: Any = body
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def understood(key: Key, text: str) -> Any:
    """Read a value that was typed as what belongs at a key; `ValueError` says what is wrong.

    What is no text there is written as JSON: `5432`, `true`, `["a", "b"]`.
    """
    said = (key.field.annotation, key.description, *key.field.metadata)
    adapter: TypeAdapter[Any] = TypeAdapter(cast("Any", Annotated)[said])
    parsed = _parsed(text)
    # Where both a boolean and a text may stand, `true` is the boolean; a number stays a text.
    for value in [parsed, text] if isinstance(parsed, bool) else [text, parsed]:
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError:
            continue
        return value
    try:
        return adapter.dump_python(adapter.validate_python(text), mode="json")
    except ValidationError as error:
        raise ValueError(describe_problems(error)) from None


def _written(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias or field.alias
    first = alias.choices[0] if isinstance(alias, AliasChoices) else alias
    return first if isinstance(first, str) else name


def _model_in(annotation: Any) -> Model | None:
    # Of `bool | Tls` the key itself is asked for: it may be either.
    either = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else [annotation]
    kinds = [each for each in either if each is not type(None)]
    (only,) = kinds if len(kinds) == 1 else (None,)
    return only if isinstance(only, type) and issubclass(only, BaseModel) else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
