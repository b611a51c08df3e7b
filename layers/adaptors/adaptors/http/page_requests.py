"""The requests for the pages of a list, and where a retry resumes among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from adaptors._http.pagination import fetch_pages
from adaptors._http.redirects import harmless_headers
from adaptors._http.request import Request
from adaptors._http.response import Response
from adaptors._http.urls import origin
from adaptors._runtime import dry_run
from adaptors._runtime.item_progress import Frame
from adaptors.errors import RemoteRefused
from adaptors.http.paginators import Next, Page
from adaptors.http.send import parse_body, send_request
from adaptors.operations import State

_Fetched = tuple[Page, Response]


@dataclass(slots=True)
class Pages:
    """Fetches the pages of one list, with the options of the job's operation."""

    state: State
    options: Mapping[str, Any]
    next_page: Next
    max_pages: int
    _number: int = 0
    _request: Request | None = None
    _fetched: _Fetched | None = None

    def fetch(self, path: str, frame: Frame | None) -> Iterator[tuple[Page, dict[str, Any]]]:
        """Yield pages, each with its response as a job sees it; begin at the page of a frame."""
        first, content = self._first_request(path, frame), b""
        most = max(1, self.max_pages - self._number)
        for page, response in fetch_pages(self._fetch, first, self._following, most):
            if not _is_ok(response):
                return
            if content and response.content == content:
                raise RemoteRefused(
                    f"{response.summary} with the same page again. Check that the API knows the "
                    "parameter in next=…"
                )
            yield page, response.as_dict()
            self._number, content, self._fetched = self._number + 1, response.content, None

    def position(self) -> Frame:
        """Return the page at which a retry resumes, and whether it has been fetched."""
        request = self._request
        if request is None:
            return {}
        crossed = request.headers != self.options.get("headers")
        frame = {"number": self._number, "path": request.path, "query": request.query}
        return {**frame, "crossed": crossed, "fetched": self._fetched is not None}

    def _first_request(self, path: str, frame: Frame | None) -> Request:
        query, headers = self.options.get("query"), self.options.get("headers")
        if not frame:
            return Request("GET", path, query, headers)
        self._number = frame["number"]
        if frame["fetched"]:
            state, query = frame["state"], frame["query"] or {}
            response = Response(**state["response"], reason="", content=b"")
            page = Page(state["data"], response.headers, query, self._number)
            self._fetched = page, response
        headers = harmless_headers(headers) if frame["crossed"] else headers
        return Request("GET", frame["path"], frame["query"], headers)

    def _fetch(self, request: Request) -> _Fetched:
        self._request = request
        if self._fetched is None:
            changed = {"query": request.query, "headers": request.headers}
            options = {**self.options, **changed}
            response = send_request(self.state, "GET", request.path, options)
            data = parse_body(response, options["parse_as"]) if _is_ok(response) else None
            page = Page(data, response.headers, request.query or {}, self._number)
            self._fetched = page, response
        return self._fetched

    def _following(self, request: Request, fetched: _Fetched) -> Request | None:
        page, response = fetched
        following = None if dry_run.is_active() else self.next_page(page)
        return _next_request(request, response, following) if following else None


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
