"""Refuse a credential with a key that no adaptor reads, because requests would go out without it.

A credential of an earlier release may have keys that only a job reads, or nobody. It goes on
working: only a misspelled key is refused, and, in a credential without a login, another word for
one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from adaptors._http.redaction import is_secret_name
from adaptors.credentials import CredentialModel, UnknownKey, unknown_keys
from adaptors.errors import ConfigurationError


def refuse_unknown_keys(
    model: type[CredentialModel], content: Mapping[str, Any], read_source: Callable[[], str]
) -> None:
    """Raise ConfigurationError for a key without which requests would go out.

    Keys that the job's source code names are the job's own.
    """
    has_login = any(content.get(name) is not None for name in model.login_keys)
    missed = [
        unknown
        for unknown in unknown_keys(model, content)
        if _is_missed(unknown, content, has_login=has_login)
    ]
    source = read_source() if missed else ""
    if problems := [unknown.message for unknown in missed if not unknown.is_in(source)]:
        raise ConfigurationError(
            f"The credential is not valid: {' '.join(problems)} Correct it with "
            "`ofn credential set NAME`."
        )


def _is_missed(unknown: UnknownKey, content: Mapping[str, Any], *, has_login: bool) -> bool:
    if unknown.similar and not unknown.is_synonym:
        parent = reduce(lambda part, step: part[step], unknown.path[:-1], content)
        return parent.get(unknown.similar) is None
    return not has_login and (unknown.is_synonym or is_secret_name(unknown.path[-1]))
