"""What an answer of DHIS2 means: a status is not the verdict until the body has been read."""

from __future__ import annotations

import json
import re
from typing import Any

from adaptors._http.response import Answer, accepted, for_now, show
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


def received(answer: Answer) -> Any:
    """Give what was fetched, or raise the error with its verdict."""
    _admitted(answer)
    accepted(answer)
    return _content(answer)


def imported(answer: Answer, sent: Any, path: str) -> Any:
    """Give the answer to a write once it says that all was taken, or raise what it says instead."""
    _admitted(answer)
    if for_now(answer):
        accepted(answer)
    body = _content(answer)
    if job := queued(body):
        show(answer)
        raise RemoteRefused(
            f"{answer.told}, but only queued the import ({job}): nobody learns whether it stored "
            "anything; look at its report in DHIS2 before this is sent again"
        )
    # Of a data value set those values are counted as ignored too that are there already.
    told = summary(body, repeats=path.startswith("dataValueSets"))
    if answer.status >= 400 or told.failed:
        raise _refused(answer, told, sent)
    if not told.counts and path.split("/", maxsplit=1)[0] in IMPORTING:
        show(answer)
        raise RemoteRefused(
            f"{answer.told}, but does not say what it has taken: look whether hostUrl in the "
            "credential leads to DHIS2"
        )
    for warning in told.warnings[:_NAMED]:
        print(f"DHIS2 warns: {_said(warning)}")
    return body


def _admitted(answer: Answer) -> None:
    if 300 <= answer.status < 400 and "login" in _leads_to(answer):
        raise RemoteRefused(
            f"{answer.told}, a redirect to its login page: {_RIGHTS[401]}; or whether basic "
            "authentication is turned off there"
        )
    if 300 <= answer.status < 400:
        accepted(answer)
    if answer.status in _RIGHTS:
        show(answer)
        raise RemoteRefused(f"{answer.told}: {_RIGHTS[answer.status]}")
    if answer.status == 404:
        show(answer)
        raise RemoteRefused(
            f"{answer.told}: this DHIS2 has no such resource or object; look at hostUrl and "
            "apiVersion, and note that the resources of the old tracker are gone since 2.42"
        )


def _leads_to(answer: Answer) -> str:
    return answer.headers.get("location", "").lower()


def _content(answer: Answer) -> Any:
    kind = answer.headers.get("content-type", "").lower()
    start = answer.content[:100].lstrip().lower()
    if "html" in kind or start.startswith((b"<!doctype html", b"<html")):
        raise _page(answer)
    if answer.content and ("json" in kind or start[:1] in {b"{", b"["}):
        try:
            return json.loads(answer.content)
        except (ValueError, RecursionError):
            show(answer)
            raise RemoteRefused(f"{answer.told}, with JSON that cannot be read") from None
    return answer.data


def _page(answer: Answer) -> RemoteRefused | RemoteUnavailable:
    show(answer)
    if answer.status >= 400:
        return RemoteRefused(f"{answer.told}, with a web page: look at hostUrl in the credential")
    if re.search(r"login|j_username|type=.password", answer.url + answer.text, re.IGNORECASE):
        return RemoteRefused(f"{answer.told}, but with a login page: {_RIGHTS[401]}")
    return RemoteUnavailable(
        f"{answer.told}, but with a web page instead of JSON: something in front of DHIS2 answers "
        "for it, or hostUrl in the credential leads elsewhere"
    )


def _refused(answer: Answer, told: Summary, sent: Any) -> RemoteRefused:
    for conflict in told.conflicts[:_NAMED]:
        print(f"DHIS2 says: {_said(conflict)}")
    if not told.conflicts:
        show(answer)
    may_quote = quotable(sent)
    names = [named(conflict, may_quote) for conflict in told.conflicts[:_NAMED]]
    if more := len(told.conflicts) - len(names):
        names.append(f"and {more} more")
    what = "; ".join(names) or "no reason is given"
    return RemoteRefused(
        f"{answer.told}: {_counted(told)}{what}; what DHIS2 says is in the run's log"
    )


def _said(conflict: Conflict) -> str:
    return f"{conflict.code} {conflict.message[:_SHOWN]}".strip()


def _counted(told: Summary) -> str:
    if not told.ignored:
        return ""
    others = " (the others are taken)" if told.ignored < told.total else ""
    return f"{told.ignored} of {told.total} ignored{others}: "
