"""Any HTTP API: requests with any body and any usual authentication, and lists page by page.

Paths are relative to the credential's `baseUrl`; it alone is sent the credential: `username` and
`password` (basic, or digest with `authType`), `access_token`, `apiKey`, and the certificates of
`tls`. An answer's JSON (or text) becomes `data`, and `response` tells its method, url, status and
headers. The options of each request are those of `request`.
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
    """Send a request of any method; `data` becomes the answer.

    `query` and `headers` are dicts. The body is one of `json`, `form` (a dict, URL-encoded),
    `files` (a dict of bytes or of `(filename, bytes)` or `(filename, bytes, type)`; with `form`
    beside it), `text`, `xml` (text, bytes, or a dict with one root) and `content` (bytes), and
    `content_type` says what it is, if that is not the usual.

    `timeout` (seconds; 60) is for the whole answer, and `max_bytes` (50,000,000) its most bytes.
    `parse_as` is `auto` (JSON, else text), `json` (anything else is an error), `text` or `base64`.
    `accept_statuses` are those taken like a 2xx, such as `{404}`. `idempotency_key` is sent as
    `Idempotency-Key`, or as `idempotency_header` says: `True` for one that each attempt of the run
    sends again and no other request does, or a text of your own.

    >>> operate = request("REPORT", "calendar", xml={"query": {"@day": "2026-03-09"}})
    """

    def operate(state: State) -> State:
        given = resolve_options(state, options)
        response = send_request(state, method, resolve(state, path), given, resolve(state, json))
        after = next_state(state, parse_body(response, given["parse_as"]))
        return {**after, "response": response.as_dict()}

    return operate


@with_options(GetOptions)
def get(path: str | Value, **options: Unpack[GetOptions]) -> Operation:
    """Fetch; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = get("patients", query={"village": data_value("village")})
    """
    return request("GET", path, **options)


@with_options(RequestOptions)
def post(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Send JSON, or another body; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = post("patients", {"name": data_value("group1/name")}, idempotency_key=True)
    >>> operate = post("photos", files={"photo": ("a.jpg", b"...", "image/jpeg")})
    """
    return request("POST", path, json, **options)


@with_options(RequestOptions)
def put(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Replace with JSON, or another body; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = put(lambda state: f"patients/{state['data']['id']}", data_value("patient"))
    """
    return request("PUT", path, json, **options)


@with_options(RequestOptions)
def patch(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Change with JSON, or another body; `data` becomes the answer.

    >>> from adaptors.common import data_value
    >>> operate = patch("patients/7", {"village": data_value("village")})
    """
    return request("PATCH", path, json, **options)


@with_options(RequestOptions)
def delete(path: str | Value, json: Any = None, **options: Unpack[RequestOptions]) -> Operation:
    """Delete; `data` becomes the answer.

    >>> operate = delete("patients/7", accept_statuses={404})
    """
    return request("DELETE", path, json, **options)
