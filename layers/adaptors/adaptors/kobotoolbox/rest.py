"""Requests to any path of KoboToolbox's API, with JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from adaptors._http.client import send
from adaptors._http.pagination import PageFormat, fetch_all, same_origin_url
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.rest import call_api
from adaptors.credentials import read_credential
from adaptors.kobotoolbox.credential import Configuration, api_path, client
from adaptors.operations import State, operation

Query = Mapping[str, Any]
PAGE_FORMAT = PageFormat(lambda page: page.get("results"), lambda page: page.get("next"))
_PAGE_PARAMETERS = {"limit", "offset", "start", "page"}


@operation
def get(
    state: State, path: str, *, query: Query | None = None, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Fetch a path below `/api/v2/`; `data` becomes the response.

    All pages of a list are fetched, unless the query has `limit`, `offset`, `start` or `page`.

    >>> operate = get("assets/aXecHjmbATuF6iGFmvBLBX/files", query={"file_type": "map_layer"})
    """
    after = call(state, "GET", path, {"format": "json", **(query or {})}, timeout=timeout)
    page = after["data"]
    if {*(query or {})} & _PAGE_PARAMETERS or not isinstance(page, dict) or not page.get("next"):
        return after
    return {**after, "data": _complete(read_credential(Configuration, state), page, timeout)}


@operation
def post(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Send JSON to a path below `/api/v2/`; `data` becomes the response.

    >>> operate = post("assets", {"name": "Households", "asset_type": "survey"})
    """
    return call(state, "POST", path, json=json, timeout=timeout)


@operation
def put(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Replace the object at a path below `/api/v2/`; `data` becomes the response.

    >>> operate = put("assets/aXecHjmbATuF6iGFmvBLBX/files/afQoJxA4kmKEXVpkH6SYbhb", {"a": 1})
    """
    return call(state, "PUT", path, json=json, timeout=timeout)


@operation
def patch(state: State, path: str, json: Any = None, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Change the object at a path below `/api/v2/`; `data` becomes the response.

    >>> operate = patch("assets/aXecHjmbATuF6iGFmvBLBX", {"name": "Households 2026"})
    """
    return call(state, "PATCH", path, json=json, timeout=timeout)


@operation
def delete(state: State, path: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Delete the object at a path below `/api/v2/`; `data` becomes the response, mostly `None`.

    >>> operate = delete("assets/aXecHjmbATuF6iGFmvBLBX/data/42")
    """
    return call(state, "DELETE", path, timeout=timeout)


def _complete(
    configuration: Configuration, page: Mapping[str, Any], timeout: float
) -> dict[str, Any]:
    """Return the first page of a list with the records of all pages."""
    url = same_origin_url(configuration.base_url, str(page["next"]))
    request = Request("GET", url, timeout=timeout)
    others = fetch_all(
        partial(send, client(configuration)), request, configuration.base_url, PAGE_FORMAT
    )
    return {**page, "next": None, "results": [*page.get("results", ()), *others.records]}


def call(
    state: State,
    method: str,
    path: str,
    query: Query | None = None,
    *,
    json: Any = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Send a request to a path of the API, and return the next state."""
    configuration = read_credential(Configuration, state)
    request = Request(method, api_path(configuration, path), query, timeout=timeout, json=json)
    return call_api(state, partial(send, client(configuration)), request)
