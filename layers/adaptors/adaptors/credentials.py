"""Credentials: the model that each adaptor defines, and how an operation reads its own.

The keys are those of OpenFn's credentials, so that people can copy them. Keys that no model has are
kept: a job may read them from `state["configuration"]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from adaptors.errors import ConfigurationError

Secret = SecretStr
"""A field that is entered without echo and that no error and no log shows."""

_MAX_DEPTH = 5  # a model may contain itself
_SYNONYMS = (
    ("accesstoken", "token", "bearer", "bearertoken", "authtoken", "jwt", "pat"),
    ("apikey", "key", "xapikey", "appkey"),
    ("username", "user", "login", "email"),
    ("password", "pass", "passwd", "pwd"),
    ("baseurl", "url", "uri", "host", "hosturl", "server", "endpoint"),
)
"""Words for the same key, in small letters."""


class CredentialModel(BaseModel):
    """The fields of a credential; an adaptor defines `class Configuration(CredentialModel)`."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )
    login_keys: ClassVar[tuple[str, ...]] = ()
    """The keys that each are a login."""
    ignored_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys of OpenFn's credentials that nothing here needs."""


M = TypeVar("M", bound=CredentialModel)


def read_credential(model: type[M], state: Mapping[str, Any]) -> M:
    """Return the credential of a state; raise ConfigurationError naming what is wrong with it.

    >>> class Configuration(CredentialModel):
    ...     host: str
    >>> read_credential(Configuration, {"configuration": {"host": "db.example.org"}}).host
    'db.example.org'
    """
    try:
        return model.model_validate(state.get("configuration") or {})
    except ValidationError as error:
        raise ConfigurationError(
            f"The credential is not valid: {describe_problems(error)} Correct it with "
            "`ofn credential set NAME`."
        ) from None


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key that a model does not have: its path, and the key that was probably meant."""

    path: tuple[str, ...]
    similar: str = ""
    is_synonym: bool = False

    @property
    def message(self) -> str:
        """A sentence that names the key, without its value."""
        prefix = "".join(f"{step}." for step in self.path[:-1])
        hint = f" Did you mean {prefix}{self.similar}?" if self.similar else ""
        return f"There is no key {'.'.join(self.path)}.{hint}"

    def is_in(self, source: str) -> bool:
        """Return whether source code names the key."""
        return bool(re.search(rf"\b{re.escape(self.path[-1])}\b", source))


def unknown_keys(
    model: type[BaseModel], content: Mapping[str, Any], prefix: tuple[str, ...] = ()
) -> Iterator[UnknownKey]:
    """Yield the keys that a model and the models in it do not have.

    >>> class Configuration(CredentialModel):
    ...     host: str
    >>> [key.message for key in unknown_keys(Configuration, {"hosts": "db.example.org"})]
    ['There is no key hosts. Did you mean host?']
    """
    known: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        known |= dict.fromkeys((*_aliases(field), name), field)
    ignored: frozenset[str] = getattr(model, "ignored_keys", frozenset())
    for key, value in content.items():
        if key not in known:
            if key not in ignored:
                yield UnknownKey((*prefix, str(key)), *_similar_key(str(key), known))
            continue
        for nested in _types_in(known[key].annotation) if isinstance(value, Mapping) else ():
            if isinstance(nested, type) and issubclass(nested, BaseModel):
                yield from unknown_keys(nested, value, (*prefix, key))


def _similar_key(key: str, known: Iterable[str]) -> tuple[str, bool]:
    """Return the known key that was probably meant, and whether it is another word for it."""
    plain = {_plain(name): name for name in reversed([*known])}
    if close := get_close_matches(_plain(key), plain, 1, 0.75):
        return plain[close[0]], False
    synonym = next((names for names in _SYNONYMS if _plain(key) in names), ())
    meant = next((plain[name] for name in synonym if name in plain), "")
    return meant, bool(meant)


def _plain(key: str) -> str:
    return re.sub("[^a-z0-9]", "", key.lower())


def secret_fields(model: type[BaseModel]) -> list[tuple[str, ...]]:
    """Return the paths of a model's `Secret` fields, under all names that the model accepts.

    >>> class Configuration(CredentialModel):
    ...     password: Secret
    ...     email: str
    >>> secret_fields(Configuration)
    [('password',)]
    """
    return sorted(set(_secret_fields(model, ())))


def describe_problems(error: ValidationError) -> str:
    """Return one sentence for each wrong field, without any value.

    >>> class Configuration(CredentialModel):
    ...     host: str
    >>> try:
    ...     Configuration.model_validate({})
    ... except ValidationError as error:
    ...     describe_problems(error)
    'host is missing.'
    """
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return " ".join(_describe(problem) for problem in problems)


def _describe(problem: Mapping[str, Any]) -> str:
    key = ".".join(map(str, problem["loc"]))
    if problem["type"] == "missing":
        return f"{key} is missing."
    text = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{key}: {text}." if key else f"{text}."


def _secret_fields(model: type[BaseModel], prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        types = list(_types_in(field.annotation))
        for path in ((*prefix, alias) for alias in {name, *_aliases(field)}):
            if Secret in types:
                yield path
            for nested in types if len(path) < _MAX_DEPTH else ():
                if isinstance(nested, type) and issubclass(nested, BaseModel):
                    yield from _secret_fields(nested, path)


def _types_in(annotation: Any) -> Iterator[Any]:
    """Yield the types in an annotation such as `list[Secret] | None`."""
    yield annotation
    for part in get_args(annotation):
        yield from _types_in(part)


def _aliases(field: FieldInfo) -> Iterator[str]:
    alias = field.validation_alias or field.alias
    for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
        if isinstance(choice, str):
            yield choice
        elif isinstance(choice, AliasPath) and isinstance(choice.path[0], str):
            yield choice.path[0]
