"""What a credential must hold for an adaptor: each states it as a model of its own.

The keys are those of OpenFn's credentials, so that one made there can be taken over as it is. A
key no model names is kept: a job may read it from `state["configuration"]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from adaptors.errors import ConfigurationError

Secret = SecretStr
"""A field that is asked for without echo, and that no error and no log shows."""


class CredentialModel(BaseModel):
    """The fields of a credential; an adaptor defines `class Configuration(CredentialModel)`."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )


M = TypeVar("M", bound=CredentialModel)


def read_credential(model: type[M], state: Mapping[str, Any]) -> M:
    """Read the configuration of a state; `ConfigurationError` names what is wrong with it.

    >>> class Configuration(CredentialModel):
    ...     host: str
    >>> read_credential(Configuration, {"configuration": {"host": "db.example.org"}}).host
    'db.example.org'
    """
    try:
        return model.model_validate(state.get("configuration") or {})
    except ValidationError as error:
        raise ConfigurationError(
            f"the credential cannot be used: {describe_problems(error)}"
        ) from None


def describe_problems(error: ValidationError) -> str:
    """Say what is wrong, field by field, without any value.

    >>> class Configuration(CredentialModel):
    ...     host: str
    >>> try:
    ...     Configuration.model_validate({"host": 7})
    ... except ValidationError as error:
    ...     describe_problems(error)
    'host: Input should be a valid string'
    """
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) + ': ' if each['loc'] else ''}"
        f"{each['msg'].removeprefix('Value error, ')}"
        for each in found
    )
