"""Any HTTP API: requests with any body and any usual authentication, and lists page by page.

Paths are relative to the credential's `baseUrl`. Only its origin receives the credential:
`username` and `password` (basic, or digest with `authType`), `access_token`, `apiKey`, a
token by `oauth2`, and the certificates of `tls`. The JSON (or text) of a response becomes `data`,
and `response` has its method, url, status and headers. All operations have the options of
`request`.
"""

from __future__ import annotations

from typing import Any, Unpack

from adaptors.http.credential import Configuration
from adaptors.http.each_page import each_page
from adaptors.http.options import GetOptions, RequestOptions, with_options
from adaptors.http.paginators import Page, by_cursor, by_link, by_offset, by_page, by_url
from adaptors.http.send import parse_body, resolve_options, send_request
from adaptors.operations import Operation, State, Value, next_state, resolve

__all__ = [
    "Configuration",
    "Page",
    "by_cursor",
    "by_link",
    "by_offset",
    "by_page",
    "by_url",
    "delete",
    "each_page",
    "get",
    "patch",
    "post",
    "put",
    "request",
]


@with_options(RequestOptions)
def request(
    method: str, path: str | Value, json: Any = None, **options: Unpack[RequestOptions]
) -> Operation:
    """Send a request of any method; `data` becomes the response.

    `query` and `headers` are dicts. The body is one of `json`, `form` (a dict, URL-encoded),
    `files` (a dict of bytes, `(filename, bytes)` or `(filename, bytes, type)`; optionally with
    `form`), `text`, `xml` (text, bytes, or a dict with one root) and `content` (bytes).
    `content_type` replaces the usual type of the body.

    `timeout` (seconds; 60) covers the whole response, and `max_bytes` (50,000,000) limits its size.
    `parse_as` is `auto` (JSON, else text), `json` (anything else is an error), `text` or `base64`.
    `accept_statuses`, such as `{404}`, are treated like a 2xx. `idempotency_key` is sent in the
    header `Idempotency-Key`, or in `idempotency_header`: your own text, or `True` for a key
    that is the same in every attempt of the run and different for every request.

    >>> operate = request("REPORT", "calendar", xml={"query": {"@day": "2026-03-09"}})
    """

    def operate(state: State) -> State:
        resolved = resolve_options(state, options)
        response = send_request(state, method, resolve(state, path), resolved, resolve(state, json))
        data = parse_body(response, resolved["parse_as"])
        return next_state(state, data, response.as_dict())

    return operate


@with_options(GetOptions)
def get(path: str | Value, **options: Unpack[GetOptions]) -> Operation:
    """Fetch a path; `data` becomes the response.

    >>> from adaptors.common import data_value
    >>> operate = get("patients", query={"village": data_value("village")})
    """
    return request("GET", path, **options)


@with_options(RequestOptions)
def post(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Post JSON, or another body; `data` becomes the response.

    >>> from adaptors.common import data_value
    >>> operate = post("patients", {"name": data_value("group1/name")}, idempotency_key=True)
    >>> operate = post("photos", files={"photo": ("a.jpg", b"...", "image/jpeg")})
    """
    return request("POST", path, json, **options)


@with_options(RequestOptions)
def put(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Put JSON, or another body; `data` becomes the response.

    >>> from adaptors.common import data_value
    >>> operate = put(lambda state: f"patients/{state['data']['id']}", data_value("patient"))
    """
    return request("PUT", path, json, **options)


@with_options(RequestOptions)
def patch(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Patch with JSON, or another body; `data` becomes the response.

    >>> from adaptors.common import data_value
    >>> operate = patch("patients/7", {"village": data_value("village")})
    """
    return request("PATCH", path, json, **options)


@with_options(RequestOptions)
def delete(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Delete a path; `data` becomes the response.

    >>> operate = delete("patients/7", accept_statuses={404})
    """
    return request("DELETE", path, json, **options)
