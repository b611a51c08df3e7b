"""What Salesforce's error codes mean: the same for a whole answer and for one record of many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from adaptors._http.response import (
    Response,
    is_retryable,
    log_response,
    raise_for_status,
    retry_after,
)
from adaptors.errors import RemoteRefused, RemoteUnavailable

FOR_NOW = frozenset({
    "UNABLE_TO_LOCK_ROW",
    "REQUEST_LIMIT_EXCEEDED",
    "REQUEST_RUNNING_TOO_LONG",
    "SERVER_UNAVAILABLE",
    "QUERY_TIMEOUT",
    "INVALID_QUERY_LOCATOR",
    "unknown_error",  # OAuth's "retry your request"
    # Bulk API
    "ExceededQuota",
    "InternalServerError",
    "Timeout",
    "TooManyLockFailure",
})  # fmt: skip
"""Codes of trouble that passes, whatever the status beside them."""
_EXPIRED = {"INVALID_SESSION_ID", "InvalidSessionId"}
_WORD = re.compile(r"[A-Za-z][\w.]{0,79}", re.ASCII)


class Expired(RemoteRefused):
    """Salesforce does not know the session, or does not any more."""


def judged(answer: Response) -> Response:
    """Give an answer whose status is 2xx; for any other raise the error with its verdict.

    The error names codes and fields. What Salesforce says about them goes into the run's log: it
    may quote a value.
    """
    if 200 <= answer.status < 300:
        return answer
    errors = errors_of(answer.body)
    codes = {code_of(error) for error in errors}
    if codes & _EXPIRED:
        raise Expired(
            f"{answer.summary}: Salesforce does not know the session; give a credential with an "
            "access_token a fresh one"
        )
    if answer.status == 300:
        log_response(answer)
        raise RemoteRefused(
            f"{answer.summary}: the external id is not unique, several records have this value; "
            "the log names them: make them one, and the field unique"
        )
    if answer.status < 400:
        return raise_for_status(answer)
    log_response(answer)
    named = ", ".join(dict.fromkeys(map(named_error, errors)))
    told = f"{answer.summary}: {named}" if named else answer.summary
    if is_retryable(answer) or codes & FOR_NOW:
        raise RemoteUnavailable(told, retry_after(answer))
    raise RemoteRefused(told)


def errors_of(data: Any) -> list[Mapping[str, Any]]:
    """Give the errors that an answer lists, or the one that it is (the Bulk API's)."""
    listed: Iterable[Any] = data if isinstance(data, list) else [data]
    return [each for each in listed if isinstance(each, Mapping) and code_of(each)]


def code_of(error: Mapping[str, Any]) -> str:
    """Give an error's code, which each part of the API calls by a name of its own.

    >>> code_of({"statusCode": "DUPLICATE_VALUE", "message": "…", "fields": []})
    'DUPLICATE_VALUE'
    """
    for key in ("errorCode", "statusCode", "exceptionCode"):
        if _WORD.fullmatch(str(error.get(key, ""))):
            return str(error[key])
    return ""


def named_error(error: Mapping[str, Any]) -> str:
    """Give an error's code and fields, without what it says of them.

    >>> named_error({"errorCode": "REQUIRED_FIELD_MISSING", "fields": ["LastName"]})
    'REQUIRED_FIELD_MISSING (LastName)'
    """
    fields = error.get("fields")
    names = [str(each) for each in fields if _WORD.fullmatch(str(each))] if fields else []
    return f"{code_of(error) or 'no code'}" + (f" ({', '.join(names)})" if names else "")
