"""Forms of KoboToolbox, which it calls assets, and their submissions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from adaptors._formats import json_text
from adaptors._http.client import send
from adaptors._http.pagination import MAX_PAGES, fetch_all
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._runtime import incremental
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.kobotoolbox.credential import Configuration, api_path, client
from adaptors.kobotoolbox.edits import EDITED, unseen_edits
from adaptors.kobotoolbox.rest import PAGE_FORMAT, call
from adaptors.operations import State, next_state, operation

PAGE_SIZE = 1000
"""The most records that the server sends in one page."""


@operation
def get_forms(state: State, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch the forms that the account can see; `data` becomes their list.

    >>> operate = get_forms()
    """
    return _fetch_list(state, "assets", {"asset_type": "survey"}, None, MAX_PAGES, timeout)


@operation
def get_submissions(
    state: State,
    form_id: str,
    *,
    query: Mapping[str, Any] | str | None = None,
    sort: Mapping[str, int] | str | None = None,
    start: int = 0,
    limit: int | None = None,
    page_size: int = PAGE_SIZE,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch all pages of a form's submissions; `data` becomes their list.

    `query` and `sort` are those of MongoDB. `start` counts from 0; `limit` is the most submissions
    to fetch, or None for all.

    >>> operate = get_submissions("aXecHjmbATuF6iGFmvBLBX", query={"end": {"$gte": "2026-03-01"}})
    """
    path = f"assets/{quote(form_id, safe='')}/data"
    parameters: dict[str, Any] = {"start": start, "limit": min(page_size, limit or page_size)}
    parameters |= {
        name: value if isinstance(value, str) else json_text.dumps(value)
        for name, value in (("query", query), ("sort", sort))
        if value
    }
    return _fetch_list(state, path, parameters, limit, max_pages, timeout)


@operation
def get_new_submissions(
    state: State,
    form_id: str,
    *,
    since: str | None = None,
    query: Mapping[str, Any] | None = None,
    edits: bool = True,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch a form's submissions since this cron job last succeeded; `data` becomes their list.

    The first run fetches all submissions, or those since the time `since` (UTC). Later runs also
    fetch those that were edited meanwhile, after the new ones, unless `edits=False`. An edited
    submission has a new `_uuid`, and keeps its `meta/rootUuid` and `_id`: write it to the
    destination under one of these. The cursor and the `_uuid` of each edited submission are stored
    as `pulled` in the state.

    >>> from adaptors.common import each, emit
    >>> operations = [
    ...     get_new_submissions("aXecHjmbATuF6iGFmvBLBX", since="2026-01-01"),
    ...     each("[*]", emit("kobo-records")),
    ... ]
    """
    start = incremental.since(state, form_id) or since
    newer = {"_submission_time": {"$gte": start}} if start else {}
    fetch = partial(get_submissions, form_id, sort={"_id": 1}, max_pages=max_pages, timeout=timeout)
    after = fetch(query={**(query or {}), **newer})(state)
    submissions, after = incremental.unseen(
        after,
        form_id,
        after["data"],
        timestamp=lambda submission: submission.get("_submission_time"),
        record_id=lambda submission: submission.get("_id"),
    )
    if edits:
        edited = fetch(query={**(query or {}), **EDITED})(state)["data"]
        edited, after = unseen_edits(after, form_id, submissions, edited)
        submissions += edited
    return {**after, "data": submissions}


@operation
def get_deployment_info(state: State, form_id: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch the deployment of a form; `data` becomes the response.

    >>> operate = get_deployment_info("aXecHjmbATuF6iGFmvBLBX")
    """
    path = f"assets/{quote(form_id, safe='')}/deployment"
    return call(state, "GET", path, {"format": "json"}, timeout=timeout)


@operation
def update_submissions(
    state: State,
    form_id: str,
    ids: Iterable[int],
    values: Mapping[str, Any],
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Set the same answers in several submissions; `data` becomes the response.

    `ids` are the submissions' `_id`; a question in a group is named with the group's path. If the
    server changes only some submissions, the run fails, and its log shows which.

    >>> operate = update_submissions("aXecHjmbATuF6iGFmvBLBX", [7, 8], {"group1/status": "seen"})
    """
    numbers = list(ids)
    if not all(isinstance(number, int) for number in numbers):
        raise ConfigurationError("ids are the `_id` of submissions: whole numbers.")
    payload = {"submission_ids": numbers, "data": dict(values)}
    path = f"assets/{quote(form_id, safe='')}/data/bulk"
    after = call(state, "PATCH", path, json={"payload": payload}, timeout=timeout)
    report = after["data"] if isinstance(after["data"], dict) else {}
    if failures := report.get("failures"):
        print(json_text.dumps(report.get("results")))
        raise RemoteRefused(
            f"PATCH {after['response']['url']}: {failures} of {report.get('count')} submissions "
            "were not changed. The run's log shows the server's reasons."
        )
    return after


def _fetch_list(
    state: State,
    path: str,
    query: Mapping[str, Any],
    limit: int | None,
    max_pages: int,
    timeout: float,
) -> State:
    configuration = read_credential(Configuration, state)
    request = Request(
        "GET",
        api_path(configuration, path),
        {"format": "json", **query},
        timeout=timeout,
        dry_run_response={"count": 0, "next": None, "results": []},
    )
    records = fetch_all(
        partial(send, client(configuration)),
        request,
        configuration.base_url,
        PAGE_FORMAT,
        limit,
        max_pages,
    )
    return next_state(state, records.records, records.response.as_dict())
