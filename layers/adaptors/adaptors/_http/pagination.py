"""Lists that come in pages, each with a link to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from urllib3.util import parse_url

from adaptors._http.client import Call
from adaptors._http.response import broken, promised_json
from adaptors._http.response import Answer
from adaptors._http.urls import origin, shown
from adaptors.errors import ConfigurationError, RemoteRefused

PAGES = 1000
"""How many pages are read before the job is thought to be mistaken."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a server's pages look like: where the records are, and where the link to the next."""

    records: Callable[[dict[str, Any]], Any]
    next: Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The records of all pages, and the last page with its answer."""

    records: list[Any]
    answer: Answer
    page: dict[str, Any]


def gather(
    fetch: Callable[[Call], Answer],
    call: Call,
    base: str,
    shape: Shape,
    limit: int | None = None,
    max_pages: int = PAGES,
) -> Gathered:
    """Read pages until the last, or until there are `limit` records: the first by `call`.

    A link out of `base`'s origin and one that was followed before are refused, and so is a page
    without records; more than `max_pages` pages are an error and not a list cut short.
    """
    found: list[Any] = []
    for answer, page in _pages(fetch, call, base, shape, max_pages):
        records = shape.records(page) if isinstance(page, dict) else None
        if not isinstance(records, list):
            raise broken(answer, "list")
        found += records
        last = Gathered(found[:limit], answer, page)
        if limit is not None and len(found) >= limit:
            break
    return last


def own(base: str, url: str) -> str:
    """Give a link that the server named, if it stays with it; else raise `RemoteRefused`.

    A server behind a proxy often takes itself for http: the base's own scheme is kept then.

    >>> own("https://kf.example.org", "http://kf.example.org/api/v2/assets/?start=10")
    'https://kf.example.org/api/v2/assets/?start=10'
    """
    if origin(url) == origin(base):
        return url
    there, here = parse_url(url), parse_url(base)
    if there.host == here.host and there.port is None and here.port is None:
        return f"{here.scheme}:{url.partition(':')[2]}"
    raise RemoteRefused(
        f"the server names {shown(url)} as a place to go on, which is not at {origin(base)}; "
        "make the address in the credential the one that the server itself is known by"
    )


def _pages(
    fetch: Callable[[Call], Answer], call: Call, base: str, shape: Shape, max_pages: int
) -> Iterator[tuple[Answer, Any]]:
    followed = {call.path}
    for _ in range(max_pages):
        answer = fetch(call)
        page = promised_json(answer)
        yield answer, page
        link = shape.next(page)
        if not link:
            return
        url = own(base, urljoin(answer.url, str(link)))
        if url in followed:
            raise RemoteRefused(f"{answer.told}, with a link that leads back to an earlier page")
        followed.add(url)
        call = replace(call, path=url, query=None)
    raise ConfigurationError(
        f"{call.method} {shown(call.path)}: there are more than {max_pages} pages; "
        "narrow the query, or say max_pages=…"
    )
