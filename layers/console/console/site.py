"""The console that this process serves: its stack, its people, and the tools of its machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from console.access import Access
from console.tools import Tools


@dataclass(frozen=True, slots=True)
class Site:
    """A console and what it may do."""

    stack: str
    access: Access
    person: str
    """Who uses it, for the audit list: an AWS identity, or `local`."""
    inbox_urls: Callable[[], Mapping[str, str]]
    """Returns the inboxes' URLs by name, where this machine knows them."""
    tools: Tools | None = None
    """What only the machine with the project can do; None hides it."""
    search_seconds: float = 4.0
    """How long a page searches before it shows how far it got; less where a read takes no time."""


_site: Site | None = None


def current() -> Site:
    """Return the console of this process; raise LookupError if it serves none."""
    if _site is None:
        raise LookupError("This process serves no console.")
    return _site


def active() -> Site | None:
    """Return the console of this process, if it serves one."""
    return _site


@contextmanager
def use(site: Site) -> Iterator[None]:
    """Let this process serve a console."""
    global _site  # noqa: PLW0603 - one process works with one stack
    before, _site = _site, site
    try:
        yield
    finally:
        _site = before
