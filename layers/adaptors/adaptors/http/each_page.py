"""Lists that come page by page: each page is processed before the next one is fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Unpack
from urllib.parse import urljoin

from adaptors._http.pagination import MAX_PAGES, fetch_pages
from adaptors._http.redirects import harmless_headers
from adaptors._http.request import Request
from adaptors._http.response import Response
from adaptors._http.urls import origin
from adaptors._runtime import dry_run
from adaptors.errors import RemoteRefused
from adaptors.http.options import GetOptions, with_options
from adaptors.http.paginators import Next, Page, by_link
from adaptors.http.send import parse_body, resolve_options, send_request
from adaptors.operations import Operation, State, Value, resolve

_BY_LINK = by_link()


@with_options(GetOptions)
def each_page(
    path: str | Value,
    *operations: Operation,
    next: Next = _BY_LINK,  # noqa: A002 - it reads best in a job
    max_pages: int = MAX_PAGES,
    **options: Unpack[GetOptions],
) -> Operation:
    """Apply operations to each page of a list; the page is `data`, its number (from 0) `index`.

    `next` finds the next page: `by_link()`, `by_url(path)`, `by_cursor(path)`, `by_offset(path)`,
    `by_page(path)`, or a function of the page that returns a URL, a dict of changed query
    parameters, or `None`. A URL of another origin receives no credential. A page that comes twice
    and more than `max_pages` pages are errors. A page with one of `accept_statuses` is the end.
    Afterwards `data` is the original again; whatever else the operations add to the state stays.

    >>> from adaptors.common import each, emit
    >>> from adaptors.http.paginators import by_url
    >>> operate = each_page("patients", each("results", emit("patients")), next=by_url("next"))
    """

    def operate(state: State) -> State:
        before: State = {key: state[key] for key in ("data", "index") if key in state}
        resolved = resolve_options(state, options)
        for page, response in _pages(state, resolve(state, path), resolved, next, max_pages):
            response_dict = response.as_dict()
            state = {**state, "data": page.data, "index": page.number, "response": response_dict}
            for apply in operations:
                state = apply(state)
        rest = {key: value for key, value in state.items() if key not in {"data", "index"}}
        return {**rest, "data": None, **before}

    return operate


def _pages(
    state: State, path: str, options: Mapping[str, Any], next_page: Next, max_pages: int
) -> Iterator[tuple[Page, Response]]:
    def fetch(request: Request) -> tuple[Page, Response]:
        changed = {"query": request.query, "headers": request.headers}
        response = send_request(state, "GET", request.path, {**options, **changed})
        data = parse_body(response, options["parse_as"]) if _is_ok(response) else None
        return Page(data, response.headers, request.query or {}, number), response

    def next_request(request: Request, fetched: tuple[Page, Response]) -> Request | None:
        page, response = fetched
        following = None if dry_run.is_active() else next_page(page)
        return _next_request(request, response, following) if following else None

    number, content = 0, b""
    first_request = Request("GET", path, options.get("query"), options.get("headers"))
    for page, response in fetch_pages(fetch, first_request, next_request, max_pages):
        if not _is_ok(response):
            return
        if number and response.content == content:
            raise RemoteRefused(
                f"{response.summary} with the same page again. Check that the API knows the "
                "parameter in next=…"
            )
        yield page, response
        number, content = number + 1, response.content


def _next_request(
    request: Request, response: Response, following: str | Mapping[str, Any]
) -> Request:
    if isinstance(following, Mapping):
        return replace(request, query={**(request.query or {}), **following})
    url = urljoin(response.url, str(following))
    # An API behind a proxy that ends TLS often believes that it is reached by http.
    https_url = f"https{url[4:]}"
    if url.startswith("http:") and origin(https_url) == origin(response.url):
        url = https_url
    headers = request.headers
    if origin(url) != origin(response.url):
        headers = harmless_headers(headers)
    return replace(request, path=url, query={}, headers=headers)


def _is_ok(response: Response) -> bool:
    return 200 <= response.status < 300
