"""Pagination: fetch page after page, without loops and without cutting a list short."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urljoin

from urllib3.util import parse_url

from adaptors._http.request import Request
from adaptors._http.response import Response, json_body, unexpected_content
from adaptors._http.urls import display_url, origin
from adaptors.errors import ConfigurationError, RemoteRefused

MAX_PAGES = 1000
"""How many pages a job fetches unless it says `max_pages=…`."""
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class PageFormat:
    """Where a page has its records, and the link to the next page."""

    records: Callable[[dict[str, Any]], Any]
    next_link: Callable[[dict[str, Any]], Any]

    def records_of(self, page: Any, response: Response) -> list[Any]:
        """Return the records of a page; raise RemoteRefused if it has no list."""
        records = self.records(page) if isinstance(page, dict) else None
        if not isinstance(records, list):
            raise unexpected_content(response, "list")
        return records


@dataclass(frozen=True, slots=True)
class Records:
    """The records of all pages, and the last page with its response."""

    records: list[Any]
    response: Response
    page: dict[str, Any]


def fetch_all(
    send: Callable[[Request], Response],
    first_request: Request,
    base_url: str,
    page_format: PageFormat,
    limit: int | None = None,
    max_pages: int | None = MAX_PAGES,
) -> Records:
    """Fetch the records of all pages, or the first `limit` of them.

    Raises RemoteRefused for a link to another origin than `base_url`'s or to a page that was
    fetched before, and ConfigurationError for more than `max_pages` pages.
    """

    def fetch(request: Request) -> tuple[Response, Any]:
        response = send(request)
        return response, json_body(response)

    def next_request(request: Request, page: tuple[Response, Any]) -> Request | None:
        link = page_format.next_link(page[1])
        if not link:
            return None
        url = same_origin_url(base_url, urljoin(page[0].url, str(link)))
        return replace(request, path=url, query=None)

    records: list[Any] = []
    for response, page in fetch_pages(fetch, first_request, next_request, max_pages):
        records += page_format.records_of(page, response)
        if limit is not None and len(records) >= limit:
            break
    return Records(records[:limit], response, page)


def fetch_pages(
    fetch: Callable[[Request], P],
    first_request: Request,
    next_request: Callable[[Request, P], Request | None],
    max_pages: int | None = MAX_PAGES,
) -> Iterator[P]:
    """Yield page after page; `next_request(request, page)` returns None after the last.

    Raises RemoteRefused for a request that was sent before, and ConfigurationError when there are
    more than `max_pages` pages. None means no limit.
    """
    request, sent = first_request, set[str]()
    while max_pages is None or len(sent) < max_pages:
        sent.add(_key(request))
        page = fetch(request)
        yield page
        following = next_request(request, page)
        if following is None:
            return
        if _key(following) in sent:
            raise RemoteRefused(
                f"{request.describe(request.path)}: the next page has already been fetched."
            )
        request = following
    raise ConfigurationError(
        f"{request.describe(request.path)}: there are more than {max_pages} pages. Narrow the "
        "query, or raise max_pages=…"
    )


def same_origin_url(base_url: str, url: str) -> str:
    """Return a URL that a server names if it has the base URL's origin; else raise RemoteRefused.

    A server behind a proxy often believes that it is reached by http: the base URL's scheme wins.

    >>> same_origin_url("https://kf.example.org", "http://kf.example.org/api/v2/assets/?start=10")
    'https://kf.example.org/api/v2/assets/?start=10'
    """
    if origin(url) == origin(base_url):
        return url
    named, base = parse_url(url), parse_url(base_url)
    if named.host == base.host and named.port is None and base.port is None:
        return f"{base.scheme}:{url.partition(':')[2]}"
    raise RemoteRefused(
        f"The server continues its list at {display_url(url)}, which is not at "
        f"{origin(base_url)}. Set the URL in the credential to the one the server uses for itself."
    )


def _key(request: Request) -> str:
    return json.dumps([request.path, request.query], sort_keys=True, default=str)
