"""Deprecated names of the first release; use `adaptors.sdk`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from adaptors.credentials import CredentialModel as Fields
from adaptors.credentials import Secret
from adaptors.errors import ConfigurationError

__all__ = ["Fields", "Secret", "read", "told"]

warnings.warn(
    "adaptors.configuration is deprecated: import from adaptors.sdk.",
    DeprecationWarning,
    stacklevel=2,
)

M = TypeVar("M", bound=Fields)


def read(model: type[M], state: Mapping[str, Any]) -> M:
    """Return the credential of a state, or raise an error with the text of the first release."""
    try:
        return model.model_validate(state.get("configuration") or {})
    except ValidationError as error:
        raise ConfigurationError(f"the credential cannot be used: {told(error)}") from None


def told(error: ValidationError) -> str:
    """Return what is wrong with each field, in the words of the first release."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) + ': ' if problem['loc'] else ''}"
        f"{problem['msg'].removeprefix('Value error, ')}"
        for problem in problems
    )
