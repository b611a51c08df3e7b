"""Lists of the Web API, which DHIS2 sends in pages of 50 unless it is asked for more."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from adaptors._http.pagination import fetch_pages
from adaptors._http.request import Request
from adaptors.dhis2.client import Query, fetch, format_query
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State

_PAGE_SIZE = 500
_PAGER_FIELDS = {"pageSize", "pageCount", "nextPage"}


def fetch_complete(state: State, path: str, query: Query | None, timeout: float) -> Any:
    """Fetch a resource. A list of several pages is fetched completely.

    With `page` in the query, exactly that page is fetched. Raises ConfigurationError if there are
    more objects than `pageSize` asks for.
    """
    body = fetch(state, path, query, timeout=timeout)
    parameters = {**dict(parse_qsl(urlsplit(path).query)), **format_query(query)}
    if "page" in parameters or not _has_more(body):
        return body
    if "pageSize" in parameters:
        total = _pager(body).get("total")
        raise ConfigurationError(
            f"{path} has {f'{total} objects' if total else 'more objects'}, and pageSize asks for "
            f"{parameters['pageSize']}. Leave pageSize out to fetch all, or add page to fetch one "
            "page."
        )
    first = Request("GET", path, {**(query or {}), "page": 1, "pageSize": _PAGE_SIZE})
    first = replace(first, timeout=timeout)
    pages = list(fetch_pages(partial(_fetch_page, state), first, _next_request, max_pages=None))
    return _merge(path, pages)


def _fetch_page(state: State, request: Request) -> Any:
    return fetch(state, request.path, request.query, timeout=request.timeout)


def _next_request(request: Request, body: Any) -> Request | None:
    query = dict(request.query or {})
    if not _has_more(body):
        return None
    if _pager(body).get("page", query["page"]) != query["page"]:
        raise RemoteRefused(f"{request.path}: DHIS2 sent another page than page {query['page']}.")
    return replace(request, query={**query, "page": query["page"] + 1})


def _has_more(body: Any) -> bool:
    if not (pager := _pager(body)):
        return False
    page, pages = pager.get("page"), pager.get("pageCount")
    if isinstance(page, int) and isinstance(pages, int):
        return page < pages
    if "isLastPage" in pager:
        return not pager["isLastPage"]
    size, key = pager.get("pageSize"), _list_key(body)
    is_full = isinstance(size, int) and key is not None and 0 < size <= len(body[key])
    return bool(pager.get("nextPage")) or is_full


def _pager(body: Any) -> dict[str, Any]:
    """Return the pager: of a list, of analytics, or the fields beside a tracker's list to 2.40."""
    if not isinstance(body, dict):
        return {}
    pager = body.get("pager") or _analytics(body).get("pager")
    if pager is None:
        pager = body if body.keys() & _PAGER_FIELDS else {}
    return pager if isinstance(pager, dict) else {}


def _analytics(body: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a table of events or enrollments; empty for other lists."""
    metadata = body.get("metaData")
    return metadata if isinstance(metadata, dict) and "rows" in body else {}


def _list_key(body: dict[str, Any]) -> str | None:
    if _analytics(body):
        return "rows"
    keys = [key for key, value in body.items() if isinstance(value, list)]
    if len(keys) > 1 and "instances" in keys:  # 2.41 has the list under two names
        keys.remove("instances")
    return keys[0] if len(keys) == 1 else None


def _merge(path: str, pages: list[Any]) -> dict[str, Any]:
    key = _list_key(pages[0]) if isinstance(pages[0], dict) else None
    if key is None or any(not isinstance(page, dict) or key not in page for page in pages):
        raise RemoteRefused(
            f"{path} has several pages that cannot be combined. Fetch one after the other, with "
            "page and pageSize in the query."
        )
    records = [record for page in pages for record in page[key]]
    pager = {"page": 1, "pageCount": 1, "pageSize": len(records), "total": len(records)}
    lists = {name: records for name in (key, "instances") if name in pages[0]}
    first = {name: value for name, value in pages[0].items() if name != "nextPage"}
    if "pager" in first:
        return {**first, "pager": pager, **lists}
    if not _analytics(first):
        return {**first, **pager, **lists}
    items = {uid: item for page in pages for uid, item in _items(page).items()}
    return {**first, "metaData": {**_analytics(first), "items": items, "pager": pager}, **lists}


def _items(page: dict[str, Any]) -> dict[str, Any]:
    return _analytics(page).get("items") or {}
