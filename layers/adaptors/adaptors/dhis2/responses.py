"""Check DHIS2's responses. The status is not enough: the body says what was imported."""

from __future__ import annotations

import json
import re
from typing import Any

from adaptors._http.response import Response, is_retryable, log_response, raise_for_status
from adaptors.dhis2.conflicts import describe_conflict, uid_filter
from adaptors.dhis2.import_summaries import Conflict, ImportSummary, parse_summary, queued_job
from adaptors.errors import RemoteRefused, RemoteUnavailable

COUNTING_RESOURCES = {"tracker", "dataValueSets", "metadata", "trackedEntityInstances"}
"""Resources whose responses always say how many objects were imported."""
_MAX_CONFLICTS, _MAX_MESSAGE = 20, 500
_CHECK_LOGIN = (
    "DHIS2 does not accept the credential. Check its username and password, or whether its pat has "
    "expired or is not allowed from this address"
)
_CHECK_PERMISSION = (
    "The credential's user has no permission for this. Check the user's authorities, the sharing "
    "of the program or data set, and the organisation units."
)


def parse_body(response: Response) -> Any:
    """Return the body of a response to a GET, or raise the error of the response."""
    _raise_for_access(response)
    raise_for_status(response)
    return _parse_content(response)


def check_import(response: Response, sent_body: Any, path: str) -> Any:
    """Return the body of a response to a write, or raise if DHIS2 did not import everything."""
    _raise_for_access(response)
    if is_retryable(response):
        raise_for_status(response)
    body = _parse_content(response)
    if job := queued_job(body):
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}, but DHIS2 only queued the import ({job}), and the job cannot see "
            "whether it succeeded. Check its report in DHIS2 before you run the job again."
        )
    # A data value that has not changed is counted as ignored.
    summary = parse_summary(body, allow_ignored=path.startswith("dataValueSets"))
    if response.status >= 400 or summary.failed:
        raise _import_error(response, summary, sent_body)
    if not summary.has_counts and path.split("/", maxsplit=1)[0] in COUNTING_RESOURCES:
        log_response(response)
        raise RemoteRefused(
            f"{response.summary} without an import summary. Check that hostUrl in the credential "
            "is the URL of a DHIS2 server."
        )
    for warning in summary.warnings[:_MAX_CONFLICTS]:
        print(f"DHIS2 warns: {_log_line(warning)}")
    return body


def _raise_for_access(response: Response) -> None:
    location = response.headers.get("location", "").lower()
    if 300 <= response.status < 400 and "login" in location:
        raise RemoteRefused(
            f"{response.summary}, a redirect to its login page. {_CHECK_LOGIN}, or whether basic "
            "authentication is turned off."
        )
    if 300 <= response.status < 400:
        raise_for_status(response)
    if response.status in {401, 403, 404}:
        log_response(response)
    if response.status == 401:
        raise RemoteRefused(f"{response.summary}. {_CHECK_LOGIN}.")
    if response.status == 403:
        raise RemoteRefused(f"{response.summary}. {_CHECK_PERMISSION}")
    if response.status == 404:
        raise RemoteRefused(
            f"{response.summary}. This server has no such resource or object. Check hostUrl and "
            "apiVersion; DHIS2 2.42 removed the resources of the old tracker."
        )


def _parse_content(response: Response) -> Any:
    content_type = response.headers.get("content-type", "").lower()
    start = response.content[:100].lstrip().lower()
    if "html" in content_type or start.startswith((b"<!doctype html", b"<html")):
        raise _web_page_error(response)
    if response.content and ("json" in content_type or start[:1] in {b"{", b"["}):
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            log_response(response)
            raise RemoteRefused(
                f"{response.summary} with invalid JSON. The run's log shows the response."
            ) from None
    return response.body


def _web_page_error(response: Response) -> RemoteRefused | RemoteUnavailable:
    log_response(response)
    if response.status >= 400:
        return RemoteRefused(
            f"{response.summary} with a web page. Check hostUrl in the credential."
        )
    if re.search(r"login|j_username|type=.password", response.url + response.text, re.IGNORECASE):
        return RemoteRefused(f"{response.summary}, but with a login page. {_CHECK_LOGIN}.")
    return RemoteUnavailable(
        f"{response.summary}, but with a web page instead of JSON. A proxy in front of DHIS2 sent "
        "it, or hostUrl in the credential is the URL of another server."
    )


def _import_error(response: Response, summary: ImportSummary, sent_body: Any) -> RemoteRefused:
    for conflict in summary.conflicts[:_MAX_CONFLICTS]:
        print(f"DHIS2 says: {_log_line(conflict)}")
    if not summary.conflicts:
        log_response(response)
    may_quote = uid_filter(sent_body)
    reasons = [
        describe_conflict(conflict, may_quote) for conflict in summary.conflicts[:_MAX_CONFLICTS]
    ]
    if more := len(summary.conflicts) - len(reasons):
        reasons.append(f"and {more} more")
    return RemoteRefused(
        f"{response.summary}: {_describe_counts(summary)}"
        f"{'; '.join(reasons) or 'DHIS2 gave no reason'}. The run's log has DHIS2's own messages."
    )


def _log_line(conflict: Conflict) -> str:
    return f"{conflict.code} {conflict.message[:_MAX_MESSAGE]}".strip()


def _describe_counts(summary: ImportSummary) -> str:
    if not summary.ignored:
        return ""
    partial = " (the others were imported)" if summary.ignored < summary.total else ""
    return f"{summary.ignored} of {summary.total} ignored{partial}: "
