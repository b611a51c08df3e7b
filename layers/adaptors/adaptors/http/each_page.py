"""Lists that come page by page: each page is fetched when the one before has been dealt with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Unpack
from urllib.parse import urljoin

from adaptors._http.redirects import harmless_headers
from adaptors._http.response import Response
from adaptors._http.urls import origin
from adaptors._runtime import dry_run
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.http.options import GetOptions, with_options
from adaptors.http.paginators import Next, Page, by_link
from adaptors.http.send import parse_body, resolve_options, send_request
from adaptors.operations import Operation, State, Value, resolve

_BY_LINK = by_link()


@with_options(GetOptions)
def each_page(
    path: str | Value,
    *operations: Operation,
    next: Next = _BY_LINK,  # noqa: A002 - it reads best where a job says it
    max_pages: int = 1000,
    **options: Unpack[GetOptions],
) -> Operation:
    """Apply operations to each page of a list, which is `data` meanwhile; `index` counts from 0.

    `next` says where the next page is: `by_link()`, `by_url(path)`, `by_cursor(path)`,
    `by_offset(path)`, `by_page(path)`, or a function of the page that gives an address, or a dict
    of what changes in the query, or `None`. An address of another origin is sent no credential. A
    page that comes twice, or more than `max_pages`, is an error. A page answered with one of
    `accept_statuses` is the end. Afterwards `data` is the original again; what else the operations
    put on the state stays.

    >>> from adaptors.common import each, emit
    >>> from adaptors.http.paginators import by_url
    >>> operate = each_page("patients", each("results", emit("patients")), next=by_url("next"))
    """

    def operate(state: State) -> State:
        before: State = {key: state[key] for key in ("data", "index") if key in state}
        for page, response in _pages(state, path, resolve_options(state, options), next, max_pages):
            state = {**state, "data": page.data, "index": page.number, "response": response}
            for apply in operations:
                state = apply(state)
        rest = {key: value for key, value in state.items() if key not in {"data", "index"}}
        return {**rest, "data": None, **before}

    return operate


def _pages(
    state: State, path: str | Value, options: Mapping[str, Any], follow: Next, most: int
) -> Iterator[tuple[Page, dict[str, Any]]]:
    where, query = resolve(state, path), dict(options.get("query") or {})
    asked, content = set[str](), b""
    for number in range(most):
        asked.add(_request(where, query))
        answer = send_request(state, "GET", where, {**options, "query": query})
        if not 200 <= answer.status < 300:
            return
        if number and answer.content == content:
            raise RemoteRefused(f"{answer.summary} with the page before: does it know next=…?")
        content, page = answer.content, _page(answer, query, number, options)
        yield page, answer.as_dict()
        to = None if dry_run.is_active() else follow(page)
        if not to:
            return
        where, query, options = _next(answer, where, query, options, to)
        if _request(where, query) in asked:
            raise RemoteRefused(
                f"{answer.summary}, and leads to a page that has been fetched already"
            )
    raise ConfigurationError(
        f"GET {answer.url}: there are more than {most} pages; ask for less, or raise max_pages=…"
    )


def _next(
    answer: Response, where: str, query: dict[str, Any], options: Mapping[str, Any], to: Any
) -> tuple[str, dict[str, Any], Mapping[str, Any]]:
    if isinstance(to, Mapping):
        return where, {**query, **to}, options
    address = urljoin(answer.url, str(to))
    # An API behind a proxy that ends TLS often takes its own address for http.
    secured = f"https{address[4:]}"
    if address.startswith("http:") and origin(secured) == origin(answer.url):
        address = secured
    if origin(address) != origin(answer.url):
        options = {**options, "headers": harmless_headers(options.get("headers"))}
    return address, {}, options


def _page(
    answer: Response, query: Mapping[str, Any], number: int, options: Mapping[str, Any]
) -> Page:
    return Page(parse_body(answer, options["parse_as"]), answer.headers, query, number)


def _request(where: str, query: Mapping[str, Any]) -> str:
    return json.dumps([where, query], sort_keys=True, default=str)
