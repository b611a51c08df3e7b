"""How a request is authorized: basic, bearer, a header, or a query parameter."""

from __future__ import annotations

from collections.abc import Callable

from requests import PreparedRequest
from requests.auth import HTTPBasicAuth

Auth = Callable[[PreparedRequest], PreparedRequest]


def basic_auth(username: str, password: str) -> Auth:
    """Authorize with basic authentication."""
    return HTTPBasicAuth(username.encode(), password.encode())


def bearer_auth(token: str) -> Auth:
    """Authorize with the header `Authorization: Bearer …`."""
    return header_auth("Authorization", f"Bearer {token}")


def header_auth(name: str, value: str) -> Auth:
    """Authorize with a header."""

    def authorize(request: PreparedRequest) -> PreparedRequest:
        request.headers[name] = value
        return request

    return authorize


def query_auth(name: str, value: str) -> Auth:
    """Authorize with a query parameter. No response, error or dry run shows it."""

    def authorize(request: PreparedRequest) -> PreparedRequest:
        request.prepare_url(request.url, {name: value})
        return request

    return authorize
