"""Responses of the console, with the headers that keep hostile text from running."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import rendering, request, site
from openfn.history import audit
from openfn.history.audit import Action

HTML = "text/html; charset=utf-8"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NO_STORE = {"Cache-Control": "no-store"}
# An open page asks again every few seconds.
_REPEATED, _HOUR, _MAX_RECORDED = {Action.VIEW, Action.SEARCH}, 3600, 10_000
_recorded: dict[tuple[str, Action, str], float] = {}


def page(template: str, status: int = HTTPStatus.OK, **values: Any) -> Response[str]:
    """Return a page of a template."""
    return Response(status, HTML, rendering.render(template, **values), compress=True)


def error_page(status: int, title: str, text: str) -> Response[str]:
    """Return a page that says what went wrong and what to do."""
    return page("error.html", status, title=title, text=text)


def redirect(url: str, cookie: str = "") -> Response[str]:
    """Return a redirect to another page of the console."""
    headers = {"Location": url, **({"Set-Cookie": cookie} if cookie else {})}
    return Response(HTTPStatus.SEE_OTHER, HTML, "", headers)


def attachment(name: str, content_type: str, content: str | bytes) -> Response[Any]:
    """Return a file to save."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(HTTPStatus.OK, content_type, content, headers, compress=True)


def with_security(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response with the headers that all of them have."""
    headers = {**_HEADERS, **_NO_STORE, **response.get("headers", {})}
    return {**response, "headers": headers}


def record(action: Action, subject: str) -> None:
    """Write to the audit list what the person at the browser does; views once in an hour."""
    entry, now = (site.current().person, action, subject), time.monotonic()
    if action in _REPEATED and now - _recorded.get(entry, -_HOUR) < _HOUR:
        return
    audit.record(*entry)
    if len(_recorded) > _MAX_RECORDED:
        _recorded.clear()
    _recorded[entry] = now


def token() -> str:
    """Return the token for the forms of the current session."""
    return site.current().access.token(request.current())
