"""CommCare's data by its list APIs: forms, cases, reports, users and what else it lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from adaptors._formats import json_text
from adaptors._http.client import send
from adaptors._http.pagination import MAX_PAGES, PageFormat, fetch_all
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import json_body, raise_for_status
from adaptors.commcare.credential import Configuration, client, place, project
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError
from adaptors.operations import State, next_state, operation

Query = Mapping[str, Any]
_LIST = PageFormat(
    lambda page: page.get("objects", [page]),  # without `objects` it is a single one
    lambda page: (page.get("meta") or {}).get("next"),
)
_CASES = PageFormat(lambda page: page.get("cases"), lambda page: page.get("next"))
_REPORT = PageFormat(lambda page: page.get("data"), lambda page: page.get("next_page"))


@operation
def get(
    state: State,
    path: str,
    query: Query | None = None,
    *,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch from `/api/v0.5/`: a list with all its pages, or the single object of an id.

    `limit` in the query is how many are wanted at most; with an `offset` it is that page alone that
    is fetched. `data` becomes the list (or the object), `response.meta` is the last page's `meta`.

    >>> operate = get("form", {"received_on_start": "2026-03-01", "limit": 50})
    >>> operate = get("case/4f5ac5a4-b624-4d0d-8a50-73500d1862c5")
    """
    configuration = read_credential(Configuration, state)
    dry_run_response = {"objects": [], "meta": {"next": None}}
    request = Request(
        "GET", place(configuration, path), query, timeout=timeout, dry_run_response=dry_run_response
    )
    after, page = _listed(state, configuration, request, _LIST, max_pages, 1000)
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
    """Fetch cases by the Case API v2, all pages of them; `data` becomes the list.

    `limit` in the query is how many are wanted at most. A case that changes meanwhile comes again.

    >>> operate = get_cases({"case_type": "patient", "indexed_on.gte": "2026-03-01"})
    """
    configuration = read_credential(Configuration, state)
    where = project(configuration, "api/case/v2/")
    request = Request("GET", where, query, timeout=timeout, dry_run_response={"cases": []})
    return _listed(state, configuration, request, _CASES, max_pages, 1000)[0]


@operation
def get_report(
    state: State,
    report_id: str,
    query: Query | None = None,
    *,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch a configurable report, all pages of it; `data` becomes the list of its rows.

    `response.meta` tells the `columns`.

    >>> operate = get_report("9aab0eeb88555a7b4568676883e7379a", {"state": "vermont"})
    """
    configuration = read_credential(Configuration, state)
    where = place(configuration, f"configurablereportdata/{quote(report_id, safe='')}")
    request = Request("GET", where, query, timeout=timeout, dry_run_response={"data": []})
    after, page = _listed(state, configuration, request, _REPORT, max_pages, 50)
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
    """Send JSON to a path below `/api/v0.5/`; `data` becomes the answer.

    >>> operate = post("user", {"username": "amina", "password": "…", "phone_numbers": []})
    """
    configuration = read_credential(Configuration, state)
    body = json_text.dumps(json).encode()
    request = Request("POST", place(configuration, path), query, body=body, timeout=timeout)
    response = raise_for_status(send(client(configuration), request))
    data = json_body(response)
    return next_state(state, data, response.as_dict())


def _listed(
    state: State,
    configuration: Configuration,
    request: Request,
    shape: PageFormat,
    max_pages: int,
    most: int,
) -> tuple[State, dict[str, Any]]:
    query = dict(request.query or {})
    limit = _limit(query)
    if "offset" not in query:
        query["limit"] = min(limit or most, most)
        request = replace(request, query=query)
    else:
        shape = PageFormat(shape.records, lambda _page: None)
    there = client(configuration)
    found = fetch_all(
        lambda each: send(there, each), request, configuration.host_url, shape, limit, max_pages
    )
    after = next_state(state, found.records, found.response.as_dict())
    return after, found.page


def _limit(query: Query) -> int | None:
    limit = query.get("limit")
    if limit is None or (str(limit).isdecimal() and int(limit) > 0):
        return None if limit is None else int(limit)
    raise ConfigurationError("limit is how many are wanted at most: a number above 0")
