"""Forms and submissions of ODK Central, with its OData and REST APIs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from adaptors._http.pagination import MAX_PAGES, PageFormat, fetch_all
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.xml_response import xml_text
from adaptors._runtime import incremental
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.odk.credential import Configuration
from adaptors.odk.rest import call, send_to_central
from adaptors.operations import State, next_state, operation

Query = Mapping[str, Any]
_PAGE_FORMAT = PageFormat(lambda page: page.get("value"), lambda page: page.get("@odata.nextLink"))
_SUBMITTED, _UPDATED = "submissionDate", "updatedAt"


@operation
def get_forms(state: State, project_id: int, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch the forms of a project; `data` becomes their list.

    >>> operate = get_forms(22)
    """
    path = f"v1/projects/{quote_part(project_id)}/forms"
    return call(state, Request("GET", path, timeout=timeout))


@operation
def get_submissions(
    state: State,
    project_id: int,
    form_id: str,
    query: Query | None = None,
    *,
    table: str = "Submissions",
    page_size: int = 500,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch all pages of a form's submissions by OData; `data` becomes their list.

    `query` is OData's: `$filter` and others; `$top` is the most submissions to fetch. Repeats are
    lists inside a submission (`$expand=*`, unless the query has `$select` or `$expand`). The
    `table` `Submissions.children` fetches only the repeat `children`.

    >>> operate = get_submissions(22, "patient-follow-up", {
    ...     "$filter": "__system/submissionDate gt 2026-03-01T00:00:00.000Z"
    ... })
    """
    configuration = read_credential(Configuration, state)
    parameters = dict(query or {})
    limit = _limit(parameters)
    parameters["$top"] = min(limit or page_size, page_size)
    if table == "Submissions" and not parameters.keys() & {"$select", "$expand"}:
        parameters["$expand"] = "*"
    path = f"{form_path(project_id, form_id)}.svc/{quote_part(table)}"
    records = fetch_all(
        partial(send_to_central, configuration),
        Request("GET", path, parameters, timeout=timeout, dry_run_response={"value": []}),
        configuration.base_url,
        _PAGE_FORMAT,
        limit,
        max_pages,
    )
    return next_state(state, records.records, records.response.as_dict())


@operation
def get_new_submissions(
    state: State,
    project_id: int,
    form_id: str,
    *,
    since: str | None = None,
    edits: bool = True,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch a form's submissions since this cron job last succeeded; `data` becomes their list.

    The first run fetches all submissions, or those since the time `since`
    (`2026-03-01T00:00:00.000Z`). A submission comes again, with the same `__id`, when it is edited
    or its review state changes, unless `edits=False`. The cursor is stored as `pulled` in the
    state.

    >>> from adaptors.common import each, emit
    >>> operations = [get_new_submissions(22, "visit"), each("[*]", emit("odk-records"))]
    """
    name = f"{project_id}/{form_id}"
    start = incremental.since(state, name) or since
    fields = (_SUBMITTED, _UPDATED) if edits else (_SUBMITTED,)
    newer = " or ".join(f"__system/{field} ge {start}" for field in fields)
    query = {"$filter": newer} if start else None
    fetch = get_submissions(project_id, form_id, query, max_pages=max_pages, timeout=timeout)
    after = fetch(state)
    submissions, after = incremental.unseen(
        after,
        name,
        after["data"],
        timestamp=lambda submission: _updated_at(submission, edits) or _submitted_at(submission),
        record_id=lambda submission: _version(submission, edits),
    )
    return {**after, "data": submissions}


@operation
def get_submission(
    state: State,
    project_id: int,
    form_id: str,
    instance_id: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch one submission with its answers, in the shape of `get_submissions`.

    >>> operate = get_submission(22, "visit", "uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44")
    """
    key = quote_part(instance_id.replace("'", "''"))
    path = f"{form_path(project_id, form_id)}.svc/Submissions('{key}')"
    dry_run_response = {"value": [{"__id": instance_id}]}
    request = Request(
        "GET", path, {"$expand": "*"}, timeout=timeout, dry_run_response=dry_run_response
    )
    after = call(state, request)
    submissions = after["data"].get("value") if isinstance(after["data"], dict) else None
    if not isinstance(submissions, list) or len(submissions) != 1:
        raise RemoteRefused(
            f"GET {after['response']['url']} did not return exactly one submission. Check the "
            "instance id."
        )
    return {**after, "data": submissions[0]}


@operation
def get_submission_xml(
    state: State,
    project_id: int,
    form_id: str,
    instance_id: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch the XML of one submission; `data` becomes the text.

    >>> operate = get_submission_xml(22, "visit", "uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44")
    """
    path = f"{form_path(project_id, form_id)}/submissions/{quote_part(instance_id)}.xml"
    request = Request("GET", path, timeout=timeout, dry_run_response="<data/>")
    response = send_to_central(read_credential(Configuration, state), request)
    return next_state(state, xml_text(response), response.as_dict())


def form_path(project_id: int, form_id: str) -> str:
    """Return the path of a form."""
    return f"v1/projects/{quote_part(project_id)}/forms/{quote_part(form_id)}"


def quote_part(value: Any) -> str:
    """Return a value as one part of a path, with `/` and all other separators escaped."""
    return quote(str(value), safe="")


def _submitted_at(submission: Mapping[str, Any]) -> Any:
    return (submission.get("__system") or {}).get(_SUBMITTED)


def _updated_at(submission: Mapping[str, Any], edits: object) -> Any:
    return (submission.get("__system") or {}).get(_UPDATED) if edits else None


def _version(submission: Mapping[str, Any], edits: object) -> Any:
    """Return the id of a submission that was never changed, and its id and time of the others."""
    updated_at = _updated_at(submission, edits)
    return f"{submission.get('__id')} {updated_at}" if updated_at else submission.get("__id")


def _limit(query: Query) -> int | None:
    top = query.get("$top")
    if top is None or str(top).isdecimal():
        return None if top is None else int(top)
    raise ConfigurationError("$top is the most submissions to fetch: a whole number.")
