"""Lists that come in pages, each with a link to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from urllib3.util import parse_url

from adaptors._http.request import Request
from adaptors._http.response import Response, json_body, unexpected_content
from adaptors._http.urls import display_url, origin
from adaptors.errors import ConfigurationError, RemoteRefused

MAX_PAGES = 1000
"""How many pages are read before the job is thought to be mistaken."""


@dataclass(frozen=True, slots=True)
class PageFormat:
    """What a server's pages look like: where the records are, and where the link to the next."""

    records: Callable[[dict[str, Any]], Any]
    next: Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of all pages, and the last page with its answer."""

    records: list[Any]
    response: Response
    page: dict[str, Any]


def fetch_all(
    fetch: Callable[[Request], Response],
    request: Request,
    base: str,
    shape: PageFormat,
    limit: int | None = None,
    max_pages: int = MAX_PAGES,
) -> Records:
    """Read pages until the last, or until there are `limit` records: the first by `call`.

    A link out of `base`'s origin and one that was followed before are refused, and so is a page
    without records; more than `max_pages` pages are an error and not a list cut short.
    """
    found: list[Any] = []
    for response, page in _pages(fetch, request, base, shape, max_pages):
        records = shape.records(page) if isinstance(page, dict) else None
        if not isinstance(records, list):
            raise unexpected_content(response, "list")
        found += records
        last = Records(found[:limit], response, page)
        if limit is not None and len(found) >= limit:
            break
    return last


def same_origin_url(base: str, url: str) -> str:
    """Give a link that the server named, if it stays with it; else raise `RemoteRefused`.

    A server behind a proxy often takes itself for http: the base's own scheme is kept then.

    >>> same_origin_url("https://kf.example.org", "http://kf.example.org/api/v2/assets/?start=10")
    'https://kf.example.org/api/v2/assets/?start=10'
    """
    if origin(url) == origin(base):
        return url
    there, here = parse_url(url), parse_url(base)
    if there.host == here.host and there.port is None and here.port is None:
        return f"{here.scheme}:{url.partition(':')[2]}"
    raise RemoteRefused(
        f"the server names {display_url(url)} as a place to go on, which is not at {origin(base)}; "
        "make the address in the credential the one that the server itself is known by"
    )


def _pages(
    fetch: Callable[[Request], Response],
    request: Request,
    base: str,
    shape: PageFormat,
    max_pages: int,
) -> Iterator[tuple[Response, Any]]:
    followed = {request.path}
    for _ in range(max_pages):
        response = fetch(request)
        page = json_body(response)
        yield response, page
        link = shape.next(page)
        if not link:
            return
        url = same_origin_url(base, urljoin(response.url, str(link)))
        if url in followed:
            raise RemoteRefused(
                f"{response.summary}, with a link that leads back to an earlier page"
            )
        followed.add(url)
        request = replace(request, path=url, query=None)
    raise ConfigurationError(
        f"{request.method} {display_url(request.path)}: there are more than {max_pages} pages; "
        "narrow the query, or say max_pages=…"
    )
