"""Forms and submissions of ODK Central, read by its OData and REST APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adaptors._http.pagination import MAX_PAGES, PageFormat, fetch_all
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.xml_response import xml_text
from adaptors._runtime import incremental
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.odk.credential import Configuration
from adaptors.odk.rest import checked, sent
from adaptors.odk.sessions import send_authorized
from adaptors.operations import State, next_state, operation

Query = Mapping[str, Any]
_SHAPE = PageFormat(lambda page: page.get("value"), lambda page: page.get("@odata.nextLink"))
_SUBMITTED = "__system/submissionDate"


@operation
def get_forms(state: State, project_id: int, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch the forms of a project; `data` becomes the list of them.

    >>> operate = get_forms(22)
    """
    return sent(state, Request("GET", f"v1/projects/{part(project_id)}/forms", timeout=timeout))


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
    """Fetch submissions to a form by OData, all pages of them; `data` becomes the list.

    `query` is OData's: `$filter` and the like; `$top` is how many are wanted at most. Repeats are
    lists inside a submission (`$expand=*`, unless the query says `$select` or `$expand`); a repeat
    alone is the `table` `Submissions.children`.

    >>> operate = get_submissions(22, "patient-follow-up", {
    ...     "$filter": "__system/submissionDate gt 2026-03-01T00:00:00.000Z"
    ... })
    """
    configuration = read_credential(Configuration, state)
    asked = dict(query or {})
    limit = _limit(asked)
    asked["$top"] = min(limit or page_size, page_size)
    if table == "Submissions" and not asked.keys() & {"$select", "$expand"}:
        asked["$expand"] = "*"
    path = f"{form(project_id, form_id)}.svc/{part(table)}"
    found = fetch_all(
        lambda each: checked(send_authorized(configuration, each)),
        Request("GET", path, asked, timeout=timeout, dry_run_response={"value": []}),
        configuration.base_url,
        _SHAPE,
        limit,
        max_pages,
    )
    return next_state(state, found.records, found.response.as_dict())


@operation
def get_new_submissions(
    state: State,
    project_id: int,
    form_id: str,
    *,
    since: str | None = None,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch what was submitted to a form since this cron job last succeeded; `data` is the list.

    The first time it is all that was submitted, or what was since the time `since`
    (`2026-03-01T00:00:00.000Z`). The place is kept in `pulled` on the state. An edit is not a new
    submission, and is not fetched.

    >>> from adaptors.common import each, emit
    >>> operations = [get_new_submissions(22, "visit"), each("[*]", emit("odk-records"))]
    """
    name = f"{project_id}/{form_id}"
    begin = incremental.since(state, name) or since
    query = {"$filter": f"{_SUBMITTED} ge {begin}"} if begin else None
    after = get_submissions(project_id, form_id, query, max_pages=max_pages, timeout=timeout)(state)
    new, after = incremental.unseen(
        after,
        name,
        after["data"],
        timestamp=lambda each: (each.get("__system") or {}).get("submissionDate"),
        record_id=lambda each: each.get("__id"),
    )
    return {**after, "data": new}


@operation
def get_submission(
    state: State,
    project_id: int,
    form_id: str,
    instance_id: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch one submission with its answers, as `get_submissions` gives them.

    >>> operate = get_submission(22, "visit", "uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44")
    """
    key = quote(instance_id.replace("'", "''"), safe="")
    path = f"{form(project_id, form_id)}.svc/Submissions('{key}')"
    dry_run_response = {"value": [{"__id": instance_id}]}
    request = Request(
        "GET", path, {"$expand": "*"}, timeout=timeout, dry_run_response=dry_run_response
    )
    after = sent(state, request)
    data = after["data"]
    values = data.get("value") if isinstance(data, dict) else None
    if not isinstance(values, list) or len(values) != 1:
        raise RemoteRefused(f"GET {after['response']['url']} answered not one submission")
    return {**after, "data": values[0]}


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
    path = f"{form(project_id, form_id)}/submissions/{part(instance_id)}.xml"
    request = Request("GET", path, timeout=timeout, dry_run_response="<data/>")
    response = checked(send_authorized(read_credential(Configuration, state), request))
    return next_state(state, xml_text(response), response.as_dict())


def form(project_id: int, form_id: str) -> str:
    """Give the path of a form."""
    return f"v1/projects/{part(project_id)}/forms/{part(form_id)}"


def part(value: Any) -> str:
    """Give one part of a path."""
    return quote(str(value), safe="")


def _limit(query: dict[str, Any]) -> int | None:
    top = query.get("$top")
    if top is None or str(top).isdecimal():
        return None if top is None else int(top)
    raise ConfigurationError("$top is how many are wanted at most: a number")
