"""The keys of a credential, as the adaptor's `Configuration` defines them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import AliasChoices, BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from adaptors import credentials
from adaptors.credentials import Secret, secret_fields
from openfn.jobs.secret_values import SHORTEST, secrets_of
from workbench.credentials.problems import describe_problem, expected_value

Model = type[BaseModel]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CredentialKey:
    """One key of a credential. A key with keys of its own comes before them.

    `path` has OpenFn's names of the keys that lead to it: `("tls", "ca")`.
    """

    path: tuple[str, ...]
    field: FieldInfo
    required: bool
    nested: Model | None = None

    @property
    def name(self) -> str:
        """Return the key with dots: `tls.ca`."""
        return ".".join(self.path)

    @property
    def secret(self) -> bool:
        """Return whether the key's value must not be shown."""
        return Secret in (self.field.annotation, *get_args(self.field.annotation))

    @property
    def default(self) -> Any:
        """Return the default of an optional key, or None."""
        default = self.field.get_default(call_default_factory=True, validated_data={})
        plain = isinstance(default, str | int | float | list | dict)
        return default if plain and not self.required else None

    @property
    def description(self) -> str:
        """Return the key's description."""
        return self.field.description or ""


def model_of(adaptor: str) -> Model:
    """Return an adaptor's model of its credential."""
    model: Model = import_module(f"adaptors.{adaptor}").Configuration
    return model


def keys_of(
    model: Model, prefix: tuple[str, ...] = (), *, required: bool = True
) -> list[CredentialKey]:
    """Return the keys of a model in its order."""
    keys = []
    for name, field in model.model_fields.items():
        nested = _nested_model(field.annotation)
        is_required = required and field.is_required()
        key = CredentialKey((*prefix, _public_name(name, field)), field, is_required, nested)
        keys += [key, *(keys_of(nested, key.path, required=is_required) if nested else [])]
    return keys


def with_public_names(model: Model, body: Body) -> dict[str, Any]:
    """Return a body in which every key has its OpenFn name."""
    names = {name: _public_name(name, field) for name, field in model.model_fields.items()}
    nested = {names[n]: _nested_model(field.annotation) for n, field in model.model_fields.items()}
    renamed = {names.get(key, key): value for key, value in body.items()}
    for key, inner in nested.items():
        if inner and isinstance(renamed.get(key), dict):
            renamed[key] = with_public_names(inner, renamed[key])
    return renamed


def describe_problems(model: Model, body: Body) -> str:
    """Return sentences about the problems of a body, without values; "" if it is valid."""
    try:
        model.model_validate(dict(body))
    except ValidationError as error:
        return " ".join(map(describe_problem, error.errors(include_input=False)))
    return ""


def unmaskable_secrets(model: Model, body: Body) -> Iterator[str]:
    """Yield a sentence for each secret that is too short to be masked in logs."""
    for secret in secrets_of(body, secret_fields(model)):
        if 0 < len(secret.texts[0]) < SHORTEST:
            yield (
                f"`{secret.name}` is a secret with fewer than {SHORTEST} characters, which cannot "
                "be masked in logs and errors. Choose a longer one at the destination."
            )


def unknown_keys(model: Model, body: Body) -> Iterator[tuple[str, str]]:
    """Yield each key that the adaptor does not define, with a sentence about it."""
    for unknown in credentials.unknown_keys(model, with_public_names(model, body)):
        key = ".".join(unknown.path)
        hint = f" Did you mean `{unknown.similar}`?" if unknown.similar else ""
        yield key, f"The adaptor does not use the key `{key}`, but a job can read it.{hint}"


def refused_keys(model: Model, body: Body, source: str) -> Iterator[str]:
    """Yield a sentence for each unknown key that neither the adaptor nor a job's code names.

    Only an adaptor whose requests go out without the key refuses it.
    """
    if not getattr(model, "login_keys", ()):
        return
    for unknown in credentials.unknown_keys(model, with_public_names(model, body)):
        if len(unknown.path) > 1 or not unknown.is_in(source):
            values = " Put values that only a job reads into the object `values`."
            yield unknown.message + ("" if unknown.similar else values)


def problems_of_refresh(name: str, body: Body, *, refresh: bool) -> Iterator[str]:
    """Yield a sentence if a credential has a refresh token that the runner may not replace."""
    if value_at(body, ("oauth2", "refresh_token")) is not None and not refresh:
        yield (
            f"The server may replace the refresh token. Write `refresh: true` below {name} in "
            "project.yaml, so that the runner may store the new one."
        )


def without_old_token(body: Body, before: Body) -> dict[str, Any]:
    """Return a body without the access token of a refresh token that was replaced."""
    path = ("oauth2", "refresh_token")
    if value_at(body, path) == value_at(before, path):
        return dict(body)
    for name in ("access_token", "expires_at"):
        if value_at(body, ("oauth2", name)) == value_at(before, ("oauth2", name)) is not None:
            body = with_value(body, ("oauth2", name), None)
    return dict(body)


def keys_with_values(body: Body, prefix: str = "") -> list[str]:
    """Return the names of the keys that have a value: `tls.ca`."""
    names = []
    for key, value in body.items():
        if isinstance(value, Mapping) and value:
            names += keys_with_values(value, f"{prefix}{key}.")
        elif value is not None:
            names.append(f"{prefix}{key}")
    return names


def with_value(body: Body, path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a body with a value at a path; None removes the key."""
    first, *rest = path
    inner = body.get(first)
    if rest:
        value = with_value(inner if isinstance(inner, Mapping) else {}, rest, value) or None
    if value is None:
        return {key: part for key, part in body.items() if key != first}
    return {**body, first: value}


def value_at(body: Body, path: Sequence[str]) -> Any:
    """Return the value at a path of a body, or None."""
    value: Any = body
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def parse_value(key: CredentialKey, text: str) -> Any:
    """Parse text that was typed for a key. Raises ValueError with what to write.

    Values that are not text are written as JSON: `5432`, `true`, `["a", "b"]`.
    """
    metadata = (key.field.annotation, key.description, *key.field.metadata)
    adapter: TypeAdapter[Any] = TypeAdapter(cast("Any", Annotated)[metadata])
    parsed = _parse_json(text)
    # If both a boolean and text are valid, `true` is the boolean; a number stays text.
    for value in [parsed, text] if isinstance(parsed, bool) else [text, parsed]:
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError:
            continue
        return value
    try:
        return adapter.dump_python(adapter.validate_python(text), mode="json")
    except ValidationError as error:
        raise ValueError(_what_to_write(key, error)) from None


def _what_to_write(key: CredentialKey, error: ValidationError) -> str:
    details = error.errors(include_input=False)[0]
    expected = expected_value(details)
    if not expected:
        return describe_problem(details)
    return f"Write {expected}{'' if key.required else ', or press Enter'}."


def _public_name(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias or field.alias
    first = alias.choices[0] if isinstance(alias, AliasChoices) else alias
    return first if isinstance(first, str) else name


def _nested_model(annotation: Any) -> Model | None:
    # A key of type `bool | Tls` may be either, so the prompt asks for it as well.
    is_union = get_origin(annotation) in (Union, UnionType)
    members = get_args(annotation) if is_union else [annotation]
    types = [member for member in members if member is not type(None)]
    (only,) = types if len(types) == 1 else (None,)
    return only if isinstance(only, type) and issubclass(only, BaseModel) else None


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
