"""CommCare's list APIs: forms, cases, reports, users and other lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

from adaptors._http.client import send
from adaptors._http.pagination import MAX_PAGES, PageFormat, fetch_all
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.rest import call_api
from adaptors.commcare.credential import Configuration, api_path, client, project_path
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError
from adaptors.operations import State, next_state, operation

Query = Mapping[str, Any]
# A response without `objects` is a single object.
_LIST = PageFormat(
    lambda page: page.get("objects", [page]), lambda page: (page.get("meta") or {}).get("next")
)
_CASES = PageFormat(lambda page: page.get("cases"), lambda page: page.get("next"))
_REPORT = PageFormat(lambda page: page.get("data"), lambda page: page.get("next_page"))
_MAX_PAGE_SIZE, _MAX_PAGE_SIZE_OF_REPORT = 1000, 50


@operation
def get(
    state: State,
    path: str,
    query: Query | None = None,
    *,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch from `/api/v0.5/`: all pages of a list, or a single object by its id.

    `limit` in the query is the most objects to fetch; with an `offset` only that page is fetched.
    `data` becomes the list (or the object), `response.meta` is the last page's `meta`.

    >>> operate = get("form", {"received_on_start": "2026-03-01", "limit": 50})
    >>> operate = get("case/4f5ac5a4-b624-4d0d-8a50-73500d1862c5")
    """
    configuration = read_credential(Configuration, state)
    request = Request(
        "GET",
        api_path(configuration, path),
        query,
        timeout=timeout,
        dry_run_response={"objects": [], "meta": {"next": None}},
    )
    after, page = _fetch_list(state, configuration, request, _LIST, max_pages)
    after["response"]["meta"] = page.get("meta")
    return after if "objects" in page else {**after, "data": page}


@operation
def get_cases(
    state: State,
    query: Query | None = None,
    *,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch all pages of cases by the Case API v2; `data` becomes the list.

    `limit` in the query is the most cases to fetch. A case that changes meanwhile may come twice.

    >>> operate = get_cases({"case_type": "patient", "indexed_on.gte": "2026-03-01"})
    """
    configuration = read_credential(Configuration, state)
    path = project_path(configuration, "api/case/v2/")
    request = Request("GET", path, query, timeout=timeout, dry_run_response={"cases": []})
    return _fetch_list(state, configuration, request, _CASES, max_pages)[0]


@operation
def get_report(
    state: State,
    report_id: str,
    query: Query | None = None,
    *,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch all pages of a configurable report; `data` becomes the list of its rows.

    `response.meta` has the `columns`.

    >>> operate = get_report("9aab0eeb88555a7b4568676883e7379a", {"state": "vermont"})
    """
    configuration = read_credential(Configuration, state)
    path = api_path(configuration, f"configurablereportdata/{quote(report_id, safe='')}")
    request = Request("GET", path, query, timeout=timeout, dry_run_response={"data": []})
    after, page = _fetch_list(
        state, configuration, request, _REPORT, max_pages, _MAX_PAGE_SIZE_OF_REPORT
    )
    after["response"]["meta"] = {"columns": page.get("columns")}
    return after


@operation
def post(
    state: State,
    path: str,
    json: Any,
    *,
    query: Query | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Send JSON to a path below `/api/v0.5/`; `data` becomes the response.

    >>> operate = post("user", {"username": "amina", "password": "…", "phone_numbers": []})
    """
    configuration = read_credential(Configuration, state)
    request = Request("POST", api_path(configuration, path), query, timeout=timeout, json=json)
    return call_api(state, partial(send, client(configuration)), request)


def _fetch_list(
    state: State,
    configuration: Configuration,
    request: Request,
    page_format: PageFormat,
    max_pages: int,
    max_page_size: int = _MAX_PAGE_SIZE,
) -> tuple[State, dict[str, Any]]:
    query = dict(request.query or {})
    limit = _limit(query)
    if "offset" in query:
        page_format = PageFormat(page_format.records, lambda _page: None)
    else:
        query["limit"] = min(limit or max_page_size, max_page_size)
        request = replace(request, query=query)
    records = fetch_all(
        partial(send, client(configuration)),
        request,
        configuration.host_url,
        page_format,
        limit,
        max_pages,
    )
    after = next_state(state, records.records, records.response.as_dict())
    return after, records.page


def _limit(query: Query) -> int | None:
    limit = query.get("limit")
    if limit is None or (str(limit).isdecimal() and int(limit) > 0):
        return None if limit is None else int(limit)
    raise ConfigurationError("limit is the most records to fetch: a whole number above 0.")
