"""Credentials: the model that each adaptor defines, and how an operation reads its own.

The keys are those of OpenFn's credentials, so that people can copy them. Keys that no model has are
kept: a job may read them from `state["configuration"]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from adaptors.errors import ConfigurationError

Secret = SecretStr
"""A field that is entered without echo and that no error and no log shows."""


class CredentialModel(BaseModel):
    """The fields of a credential; an adaptor defines `class Configuration(CredentialModel)`."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )


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
