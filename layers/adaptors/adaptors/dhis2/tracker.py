"""The tracker's own operations: import with any strategy, and export of all pages."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from adaptors._http.pagination import fetch_pages
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors.dhis2.client import Query, fetch, format_query
from adaptors.dhis2.tracker_import import CHUNK_SIZE, import_payload
from adaptors.dhis2.tracker_payloads import UID_FIELDS
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State, next_state, operation

PAGE_SIZE = 200
"""Objects on a page, unless the job sets `page_size`."""
_PAGE_PARAMETERS = {"page", "pageSize", "paging", "skipPaging"}


@operation
def tracker_import(
    state: State,
    payload: Any,
    strategy: str = "CREATE_AND_UPDATE",
    *,
    atomic_mode: str = "ALL",
    chunk: int = CHUNK_SIZE,
    query: Query | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Import tracked entities, enrollments, events and relationships; `data` becomes the report.

    `payload` is a dict of `trackedEntities`, `enrollments`, `events` and `relationships`, each a
    list. The strategy is `CREATE_AND_UPDATE` (objects with their own `uid` can be sent again),
    `CREATE`, `UPDATE` (empties missing fields, but keeps the members of lists) or `DELETE`. At most
    `chunk` objects are sent at once; objects that refer to each other are sent together. With the
    atomic mode `ALL` a chunk is imported completely or not at all; with `OBJECT` its valid objects
    are imported. `RemoteRefused` names each conflict, even if DHIS2 answers 200.

    >>> from adaptors.common import data_value
    >>> from adaptors.dhis2 import attr, uid
    >>> child = {
    ...     "trackedEntity": uid(data_value("_id"), "child"),
    ...     "trackedEntityType": "nEenWmSyUEp",
    ...     "orgUnit": data_value("group1/facility"),
    ...     "attributes": [attr("w75KJ2mc4zz", data_value("group1/name"))],
    ... }
    >>> operate = tracker_import({"trackedEntities": [child]})
    """
    report = import_payload(
        state,
        payload,
        strategy,
        atomic_mode=atomic_mode,
        chunk_size=chunk,
        query=query,
        timeout=timeout,
    )
    return next_state(state, report)


@operation
def tracker_export(
    state: State,
    path: str,
    query: Query | None = None,
    *,
    page_size: int = PAGE_SIZE,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch all pages of a tracker resource; `data` becomes a dict of its list.

    The list has the resource's name in all versions of DHIS2: `{"events": […]}`. If others write at
    the same time, set an order (`"order": "createdAt:asc"`): by default new objects come first and
    move the others to the next page. A path with a uid fetches only that object.

    >>> operate = tracker_export("events", {"program": "eBAyeGv0exc", "orgUnit": "DiszpKrYNg8"})
    """
    resource, _, uid = str(path).strip("/").partition("/")
    if resource not in UID_FIELDS:
        raise ConfigurationError(
            f"The tracker exports {', '.join(UID_FIELDS)}, or one object of these by its uid."
        )
    if uid:
        data = fetch(
            state, f"tracker/{resource}/{uid}", query, timeout=timeout, dry_run_response={}
        )
    else:
        data = {resource: _fetch_all(state, resource, query, page_size, timeout)}
    return next_state(state, data)


def records_of(body: Any, resource: str) -> list[Any]:
    """Return the list of a response. The tracker up to 2.40 names it `instances`."""
    for key in (resource, "instances"):
        if isinstance(body, dict) and isinstance(body.get(key), list):
            records: list[Any] = body[key]
            return records
    raise RemoteRefused(f"DHIS2's response has no list of {resource}.")


def _fetch_all(
    state: State, resource: str, query: Query | None, page_size: int, timeout: float
) -> list[Any]:
    if format_query(query).keys() & _PAGE_PARAMETERS:
        raise ConfigurationError(
            "tracker_export fetches all pages, with page_size=… objects each. Use get(…) for one."
        )

    first_query = {**(query or {}), "page": 1, "pageSize": page_size}
    first_request = Request("GET", f"tracker/{resource}", first_query, timeout=timeout)
    records: list[Any] = []
    last_page: list[Any] = []
    for body in fetch_pages(
        partial(_fetch_page, state, resource),
        first_request,
        partial(_next_request, resource, page_size),
        max_pages=None,
    ):
        page = records_of(body, resource)
        if page and page == last_page and UID_FIELDS[resource] in page[0]:
            raise RemoteRefused(f"DHIS2 sent the same page of {resource} twice.")
        records += page
        last_page = page
    return records


def _fetch_page(state: State, resource: str, request: Request) -> Any:
    return fetch(
        state,
        request.path,
        request.query,
        timeout=request.timeout,
        dry_run_response={resource: []},
    )


def _next_request(resource: str, page_size: int, request: Request, body: Any) -> Request | None:
    if len(records_of(body, resource)) < _size_of_page(body, page_size):
        return None
    query = dict(request.query or {})
    return replace(request, query={**query, "page": query["page"] + 1})


def _size_of_page(body: dict[str, Any], requested_size: int) -> int:
    # DHIS2 may limit the size of a page. Up to 2.40 it says so beside the list, later in `pager`.
    pager = body.get("pager") or body
    size = pager.get("pageSize", requested_size)
    return min(requested_size, size) if isinstance(size, int) and size > 0 else requested_size
