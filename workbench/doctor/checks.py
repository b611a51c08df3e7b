"""A check's result, and the results for calls that AWS refuses or does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from workbench.errors import CommandError

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


class CheckState(StrEnum):
    """The results of a check."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check, and what to do about it."""

    name: str
    state: CheckState
    text: str
    fix: str = ""


def ok(name: str, text: str) -> Check:
    """Return the result of a check that found no problem."""
    return Check(name, CheckState.OK, text)


def problem(name: str, text: str, fix: str) -> Check:
    """Return the result of a check that found a problem."""
    return Check(name, CheckState.PROBLEM, text, fix)


def not_checked(name: str, text: str, fix: str = "") -> Check:
    """Return the result of a check that was not possible."""
    return Check(name, CheckState.NOT_CHECKED, text, fix)


def with_aws(name: str, check: Callable[[], Check]) -> Check:
    """Return a check's result, or that AWS refused or did not answer a call that it needs."""
    try:
        return check()
    except (BotoCoreError, ClientError) as error:
        return not_answered(name, error)
    except CommandError as error:
        return problem(name, str(error), "Correct samconfig.toml.")


def not_answered(name: str, error: BotoCoreError | ClientError) -> Check:
    """Return the result of a check that failed because of an error of AWS."""
    if not isinstance(error, ClientError):
        return not_checked(name, f"AWS did not answer: {error}")
    code = error.response.get("Error", {}).get("Code", "")
    if code in _DENIED:
        text = f"You are not allowed to call {error.operation_name} ({code})."
        return not_checked(name, text, "docs/security.md has a policy that allows it.")
    return not_checked(name, f"AWS answered {error.operation_name} with an error: {error}")
