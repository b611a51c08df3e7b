"""Paginators: find the next page of a list, by link, URL, cursor, offset or page number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from requests.utils import parse_header_links

from adaptors._formats.paths import find, first
from adaptors.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its data, its headers (names in lower case), its query and its number (from 0)."""

    data: Any
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    number: int


Next = Callable[[Page], str | Mapping[str, Any] | None]
"""Returns the next page's URL, or the changed query parameters; None after the last page."""


def by_link() -> Next:
    """Follow the `Link` header with `rel="next"` (RFC 8288).

    >>> header = {"link": '<https://example.org/patients?page=2>; rel="next"'}
    >>> by_link()(Page([], header, {}, 0))
    'https://example.org/patients?page=2'
    """

    def follow(page: Page) -> str | None:
        links = parse_header_links(page.headers.get("link", ""))
        urls = [link["url"] for link in links if "next" in link.get("rel", "").lower().split()]
        return next(iter(urls), None)

    return follow


def by_url(path: str) -> Next:
    """Follow the URL at a path in the page.

    >>> by_url("next")(Page({"next": "https://example.org/patients?page=2"}, {}, {}, 0))
    'https://example.org/patients?page=2'
    """
    return lambda page: first(page.data, path) or None


def by_cursor(path: str, parameter: str = "cursor") -> Next:
    """Send the cursor at a path in the page as a query parameter.

    >>> by_cursor("meta.next", "after")(Page({"meta": {"next": "c7"}}, {}, {}, 0))
    {'after': 'c7'}
    """

    def follow(page: Page) -> dict[str, Any] | None:
        cursor = first(page.data, path)
        return None if cursor is None or cursor == "" else {parameter: cursor}

    return follow


def by_offset(items: str = "", parameter: str = "offset") -> Next:
    """Add the length of a page's list to the offset, until a list is empty; `items` is its path.

    A short page is not the last one: servers have their own limits.

    >>> by_offset("results", "skip")(Page({"results": ["a", "b"]}, {}, {"skip": 2}, 1))
    {'skip': 4}
    """

    def follow(page: Page) -> dict[str, Any] | None:
        count = _count(page, items)
        return {parameter: int(page.query.get(parameter, 0)) + count} if count else None

    return follow


def by_page(items: str = "", parameter: str = "page", begin: int = 1) -> Next:
    """Request the next page number, until a page's list is empty; `items` is its path.

    >>> by_page("results")(Page({"results": ["a", "b"]}, {}, {}, 0))
    {'page': 2}
    """

    def follow(page: Page) -> dict[str, Any] | None:
        number = int(page.query.get(parameter, begin))
        return {parameter: number + 1} if _count(page, items) else None

    return follow


def _count(page: Page, path: str) -> int:
    values = find(page.data, path)
    if values and isinstance(values[0], list):
        return len(values[0])
    if page.number == 0 and values[:1] != [None]:
        raise ConfigurationError(
            f"The first page has no list at {path!r}. Set the path of its list."
        )
    return 0
