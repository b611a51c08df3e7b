"""Where the next page of a list is: what APIs call it, and when there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from requests.utils import parse_header_links

from adaptors._formats.paths import find, first
from adaptors.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its data, its answer's headers (named in lower case), and what it was asked with.

    The first page has number 0.
    """

    data: Any
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    number: int


Next = Callable[[Page], str | Mapping[str, Any] | None]
"""Gives the next page's address, or what changes in the query; `None` after the last."""


def by_link() -> Next:
    """Go on with the `Link` header's address with `rel="next"` (RFC 8288).

    >>> header = {"link": '<https://example.org/patients?page=2>; rel="next"'}
    >>> by_link()(Page([], header, {}, 0))
    'https://example.org/patients?page=2'
    """

    def follow(page: Page) -> str | None:
        links = parse_header_links(page.headers.get("link", ""))
        found = [each["url"] for each in links if "next" in each.get("rel", "").lower().split()]
        return next(iter(found), None)

    return follow


def by_url(path: str) -> Next:
    """Go on with the address at a path in the page.

    >>> by_url("next")(Page({"next": "https://example.org/patients?page=2"}, {}, {}, 0))
    'https://example.org/patients?page=2'
    """
    return lambda page: first(page.data, path) or None


def by_cursor(path: str, parameter: str = "cursor") -> Next:
    """Go on with the cursor at a path in the page, in a parameter of the query.

    >>> by_cursor("meta.next", "after")(Page({"meta": {"next": "c7"}}, {}, {}, 0))
    {'after': 'c7'}
    """

    def follow(page: Page) -> dict[str, Any] | None:
        cursor = first(page.data, path)
        return None if cursor is None or cursor == "" else {parameter: cursor}

    return follow


def by_offset(items: str = "", parameter: str = "offset") -> Next:
    """Go on after as many as have come, until a page's list is empty; `items` is its path.

    A page that is shorter than asked for is no sign of the end: servers have limits of their own.

    >>> by_offset("results", "skip")(Page({"results": ["a", "b"]}, {}, {"skip": 2}, 1))
    {'skip': 4}
    """

    def follow(page: Page) -> dict[str, Any] | None:
        came = _items(page, items)
        return {parameter: int(page.query.get(parameter, 0)) + came} if came else None

    return follow


def by_page(items: str = "", parameter: str = "page", begin: int = 1) -> Next:
    """Go on with the next number, until a page's list is empty; `items` is its path.

    >>> by_page("results")(Page({"results": ["a", "b"]}, {}, {}, 0))
    {'page': 2}
    """

    def follow(page: Page) -> dict[str, Any] | None:
        here = int(page.query.get(parameter, begin))
        return {parameter: here + 1} if _items(page, items) else None

    return follow


def _items(page: Page, path: str) -> int:
    found = find(page.data, path)
    if found and isinstance(found[0], list):
        return len(found[0])
    if page.number == 0 and found[:1] != [None]:
        raise ConfigurationError(
            f"the first page has no list at {path!r}: name the path of its list"
        )
    return 0
