"""Salesforce's error codes and their verdicts, for whole responses and single records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adaptors._http import response as http_response
from adaptors._http.response import Response, is_retryable, log_response, retry_after
from adaptors.errors import RemoteRefused, RemoteUnavailable

RETRYABLE_CODES = frozenset({
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
"""Codes of failures that may be temporary, whatever the status is."""
_SESSION_CODES = {"INVALID_SESSION_ID", "InvalidSessionId"}
_DUPLICATE = re.compile(r"duplicate value found: (\S+) duplicates")
_WORD = re.compile(r"[A-Za-z][\w.]{0,79}", re.ASCII)


class RequestRefused(RemoteRefused):
    """Salesforce refuses a request; `errors` are those of its response."""

    def __init__(self, message: str, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.errors = errors


class SessionExpired(RemoteRefused):
    """Salesforce does not accept the session, or no longer does."""


def raise_for_status(response: Response) -> Response:
    """Return a response with status 2xx; raise the error of any other with its verdict.

    The error has codes and fields. Salesforce's messages go into the run's log only, because they
    may quote a value.
    """
    if 200 <= response.status < 300:
        return response
    errors = errors_of(response.body)
    codes = {code_of(error) for error in errors}
    if codes & _SESSION_CODES:
        raise SessionExpired(
            f"{response.summary}: the session is invalid or has expired. If the credential has an "
            "access_token, replace it with a new one."
        )
    if response.status == 300:
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}: several records have this external id. Merge them (the run's "
            "log has their ids) and make the field unique."
        )
    if response.status < 400:
        return http_response.raise_for_status(response)
    log_response(response)
    described = ", ".join(dict.fromkeys(map(describe_error, errors)))
    text = f"{response.summary}: {described}." if described else f"{response.summary}."
    if is_retryable(response) or codes & RETRYABLE_CODES:
        raise RemoteUnavailable(text, retry_after(response))
    raise RequestRefused(text, errors)


def is_retryable_error(error: Mapping[str, Any], key: str | None = None) -> bool:
    """Return whether a retry can succeed; `key` is an upsert's external id.

    If two runs create the same external id at once, one of them fails. Its retry updates.

    >>> text = "duplicate value found: MRN__c duplicates value on record with id: 003x"
    >>> error = {"statusCode": "DUPLICATE_VALUE", "message": text}
    >>> is_retryable_error(error, "MRN__c"), is_retryable_error(error, "Form__c")
    (True, False)
    """
    code = code_of(error)
    if key is None or code != "DUPLICATE_VALUE":
        return code in RETRYABLE_CODES
    # Salesforce writes <unknown> if the other record is not yet visible.
    named = _DUPLICATE.search(str(error.get("message", "")))
    names = {str(field).lower() for field in error.get("fields") or ()}
    names |= {named[1].lower()} if named else set()
    return bool(names & {key.lower(), "<unknown>"})


def errors_of(body: Any) -> list[Mapping[str, Any]]:
    """Return the errors in a response's body: a list, or a single one (the Bulk API's)."""
    errors: Iterable[Any] = body if isinstance(body, list) else [body]
    return [error for error in errors if isinstance(error, Mapping) and code_of(error)]


def code_of(error: Mapping[str, Any]) -> str:
    """Return an error's code; each part of the API has another key for it.

    >>> code_of({"statusCode": "DUPLICATE_VALUE", "message": "…", "fields": []})
    'DUPLICATE_VALUE'
    """
    for key in ("errorCode", "statusCode", "exceptionCode"):
        if _WORD.fullmatch(str(error.get(key, ""))):
            return str(error[key])
    return ""


def describe_error(error: Mapping[str, Any]) -> str:
    """Return an error's code and fields, without its message.

    >>> describe_error({"errorCode": "REQUIRED_FIELD_MISSING", "fields": ["LastName"]})
    'REQUIRED_FIELD_MISSING (LastName)'
    """
    fields = error.get("fields") or []
    names = [str(field) for field in fields if _WORD.fullmatch(str(field))]
    return f"{code_of(error) or 'no code'}" + (f" ({', '.join(names)})" if names else "")
