"""What an answer of DHIS2 means: a status is not the verdict until the body has been read."""

from __future__ import annotations

import json
import re
from typing import Any

from adaptors._http.response import Response, is_retryable, log_response, raise_for_status
from adaptors.dhis2.conflicts import named, quotable
from adaptors.dhis2.import_summaries import Conflict, Summary, queued, summary
from adaptors.errors import RemoteRefused, RemoteUnavailable

IMPORTING = {"tracker", "dataValueSets", "metadata", "trackedEntityInstances"}
"""Resources whose answer always says how many of what was sent were taken."""
_NAMED, _SHOWN = 20, 500
_RIGHTS = {
    401: "DHIS2 does not take the credential: look at its username and password, or whether its "
    "pat has run out or is not allowed from here",
    403: "the user of the credential lacks the right to this: an authority, the sharing of the "
    "program or data set, or the organisation unit",
}


def received(response: Response) -> Any:
    """Give what was fetched, or raise the error with its verdict."""
    _admitted(response)
    raise_for_status(response)
    return _content(response)


def imported(response: Response, sent: Any, path: str) -> Any:
    """Give the answer to a write once it says that all was taken, or raise what it says instead."""
    _admitted(response)
    if is_retryable(response):
        raise_for_status(response)
    body = _content(response)
    if job := queued(body):
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}, but only queued the import ({job}): nobody learns whether it "
            "stored anything; look at its report in DHIS2 before this is sent again"
        )
    # Of a data value set those values are counted as ignored too that are there already.
    told = summary(body, repeats=path.startswith("dataValueSets"))
    if response.status >= 400 or told.failed:
        raise _refused(response, told, sent)
    if not told.counts and path.split("/", maxsplit=1)[0] in IMPORTING:
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}, but does not say what it has taken: look whether hostUrl in the "
            "credential leads to DHIS2"
        )
    for warning in told.warnings[:_NAMED]:
        print(f"DHIS2 warns: {_said(warning)}")
    return body


def _admitted(response: Response) -> None:
    if 300 <= response.status < 400 and "login" in _leads_to(response):
        raise RemoteRefused(
            f"{response.summary}, a redirect to its login page: {_RIGHTS[401]}; or whether basic "
            "authentication is turned off there"
        )
    if 300 <= response.status < 400:
        raise_for_status(response)
    if response.status in _RIGHTS:
        log_response(response)
        raise RemoteRefused(f"{response.summary}: {_RIGHTS[response.status]}")
    if response.status == 404:
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}: this DHIS2 has no such resource or object; look at hostUrl and "
            "apiVersion, and note that the resources of the old tracker are gone since 2.42"
        )


def _leads_to(response: Response) -> str:
    return response.headers.get("location", "").lower()


def _content(response: Response) -> Any:
    kind = response.headers.get("content-type", "").lower()
    start = response.content[:100].lstrip().lower()
    if "html" in kind or start.startswith((b"<!doctype html", b"<html")):
        raise _page(response)
    if response.content and ("json" in kind or start[:1] in {b"{", b"["}):
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            log_response(response)
            raise RemoteRefused(f"{response.summary}, with JSON that cannot be read") from None
    return response.body


def _page(response: Response) -> RemoteRefused | RemoteUnavailable:
    log_response(response)
    if response.status >= 400:
        return RemoteRefused(
            f"{response.summary}, with a web page: look at hostUrl in the credential"
        )
    if re.search(r"login|j_username|type=.password", response.url + response.text, re.IGNORECASE):
        return RemoteRefused(f"{response.summary}, but with a login page: {_RIGHTS[401]}")
    return RemoteUnavailable(
        f"{response.summary}, but with a web page instead of JSON: something in front of DHIS2 "
        "answers for it, or hostUrl in the credential leads elsewhere"
    )


def _refused(response: Response, told: Summary, sent: Any) -> RemoteRefused:
    for conflict in told.conflicts[:_NAMED]:
        print(f"DHIS2 says: {_said(conflict)}")
    if not told.conflicts:
        log_response(response)
    may_quote = quotable(sent)
    names = [named(conflict, may_quote) for conflict in told.conflicts[:_NAMED]]
    if more := len(told.conflicts) - len(names):
        names.append(f"and {more} more")
    what = "; ".join(names) or "no reason is given"
    return RemoteRefused(
        f"{response.summary}: {_counted(told)}{what}; what DHIS2 says is in the run's log"
    )


def _said(conflict: Conflict) -> str:
    return f"{conflict.code} {conflict.message[:_SHOWN]}".strip()


def _counted(told: Summary) -> str:
    if not told.ignored:
        return ""
    others = " (the others are taken)" if told.ignored < told.total else ""
    return f"{told.ignored} of {told.total} ignored{others}: "
