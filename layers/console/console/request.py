"""A request to the console, from an event of an HTTP API (payload format 2.0)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

_MAX_FIELDS = 20_000
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its address, headers, cookies and the fields of its form."""

    method: str
    path: str
    query: Mapping[str, str]
    """The last value of each parameter that is not empty."""
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    form: Mapping[str, Sequence[str]]
    parameters: Mapping[str, Sequence[str]]
    """All values of each parameter."""

    def field(self, name: str) -> str:
        """Return the first value of a form's field, or an empty text."""
        return next(iter(self.form.get(name, ())), "")

    def url(self, **changes: str | None) -> str:
        """Return this address with other parameters; `None` removes one."""
        query = {**self.query, **changes}
        return with_query(self.path, query)


def with_query(path: str, query: Mapping[str, str | None]) -> str:
    """Return a path with the parameters that have a value."""
    text = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{text}" if text else path


_current: ContextVar[Request] = ContextVar("request")


def current() -> Request:
    """Return the request that is being answered."""
    return _current.get()


@contextmanager
def answering(request: Request) -> Iterator[None]:
    """Let the pages answer a request."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


def from_event(event: Mapping[str, Any]) -> Request:
    """Return the request of an event."""
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    query = _parse(event.get("rawQueryString", ""))
    return Request(
        method=event["requestContext"]["http"]["method"].upper(),
        path=event["rawPath"],
        query={name: values[-1] for name, values in query.items() if values[-1]},
        headers=headers,
        cookies=dict(_cookie(text) for text in event.get("cookies", ())),
        form=_form(event, headers.get("content-type", "")),
        parameters=query,
    )


def _form(event: Mapping[str, Any], content_type: str) -> dict[str, list[str]]:
    text: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        text = base64.b64decode(text).decode("utf-8", "replace")
    return _parse(text) if content_type.startswith(_FORM) else {}


def _parse(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:  # more fields than any page has
        return {}


def _cookie(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()
