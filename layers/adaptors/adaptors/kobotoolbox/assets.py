"""Forms of KoboToolbox, which it calls assets, and what was submitted to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from adaptors._formats import json_text
from adaptors._http.client import send
from adaptors._http.pagination import MAX_PAGES, PageFormat, fetch_all
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._runtime import incremental
from adaptors.credentials import read_credential
from adaptors.errors import RemoteRefused
from adaptors.kobotoolbox.credential import Configuration, access, place
from adaptors.kobotoolbox.rest import sent
from adaptors.operations import State, next_state, operation

PAGE = 1000
"""What the server gives at most in one page."""


@operation
def get_forms(state: State, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch the forms that the account sees; `data` becomes the list of them.

    >>> operate = get_forms()
    """
    return _listed(state, "assets", {"asset_type": "survey"}, None, MAX_PAGES, timeout)


@operation
def get_submissions(
    state: State,
    form_id: str,
    *,
    query: Mapping[str, Any] | str | None = None,
    sort: Mapping[str, int] | str | None = None,
    start: int = 0,
    limit: int | None = None,
    page_size: int = PAGE,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch submissions of a form, all pages of them; `data` becomes the list.

    `query` and `sort` are those of MongoDB. `start` counts from 0, and `limit` is how many are
    wanted at most: all, if it is left out.

    >>> operate = get_submissions("aXecHjmbATuF6iGFmvBLBX", query={"end": {"$gte": "2026-03-01"}})
    """
    path = f"assets/{quote(form_id, safe='')}/data"
    asked: dict[str, Any] = {"start": start, "limit": min(page_size, limit or page_size)}
    asked |= {
        key: part if isinstance(part, str) else json_text.dumps(part)
        for key, part in (("query", query), ("sort", sort))
        if part
    }
    return _listed(state, path, asked, limit, max_pages, timeout)


@operation
def get_new_submissions(
    state: State,
    form_id: str,
    *,
    since: str | None = None,
    query: Mapping[str, Any] | None = None,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch what was submitted to a form since this cron job last succeeded; `data` is the list.

    The first time it is all that was submitted, or what was since the time `since` (UTC). The
    place is kept in `pulled` on the state. An edit is not a new submission, and is not fetched.

    >>> from adaptors.common import each, emit
    >>> operations = [
    ...     get_new_submissions("aXecHjmbATuF6iGFmvBLBX", since="2026-01-01"),
    ...     each("[*]", emit("kobo-records")),
    ... ]
    """
    begin = incremental.since(state, form_id) or since
    wanted = {**(query or {}), **({"_submission_time": {"$gte": begin}} if begin else {})}
    fetch = get_submissions(
        form_id, query=wanted, sort={"_id": 1}, max_pages=max_pages, timeout=timeout
    )
    after = fetch(state)
    new, after = incremental.unseen(
        after,
        form_id,
        after["data"],
        timestamp=lambda each: each.get("_submission_time"),
        record_id=lambda each: each.get("_id"),
    )
    return {**after, "data": new}


@operation
def get_deployment_info(state: State, form_id: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch how a form is deployed; `data` becomes the answer.

    >>> operate = get_deployment_info("aXecHjmbATuF6iGFmvBLBX")
    """
    path = f"assets/{quote(form_id, safe='')}/deployment"
    return sent(state, "GET", path, {"format": "json"}, None, timeout)


@operation
def update_submissions(
    state: State,
    form_id: str,
    ids: Iterable[int],
    values: Mapping[str, Any],
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Give answers of several submissions the same new values; `data` becomes the answer.

    `ids` are the submissions' `_id`; a question in a group is named with the group's path. The
    server may change some and not others: that is an error, and the log shows which.

    >>> operate = update_submissions("aXecHjmbATuF6iGFmvBLBX", [7, 8], {"group1/status": "seen"})
    """
    payload = {"submission_ids": list(ids), "data": dict(values)}
    path = f"assets/{quote(form_id, safe='')}/data/bulk"
    after = sent(state, "PATCH", path, None, {"payload": payload}, timeout)
    data = after["data"] if isinstance(after["data"], dict) else {}
    if failures := data.get("failures"):
        print(json_text.dumps(data.get("results")))
        raise RemoteRefused(
            f"PATCH {after['response']['url']}: {failures} of {data.get('count')} submissions "
            "were not changed; the log shows the server's reasons"
        )
    return after


def _listed(
    state: State,
    path: str,
    query: Mapping[str, Any],
    limit: int | None,
    max_pages: int,
    timeout: float,
) -> State:
    configuration = read_credential(Configuration, state)
    there = access(configuration)
    request = Request(
        "GET",
        place(configuration, path),
        {"format": "json", **query},
        timeout=timeout,
        dry_run_response={"count": 0, "next": None, "results": []},
    )
    shape = PageFormat(lambda page: page.get("results"), lambda page: page.get("next"))
    found = fetch_all(
        lambda each: send(there, each), request, configuration.base_url, shape, limit, max_pages
    )
    return next_state(state, found.records, found.response.as_dict())
