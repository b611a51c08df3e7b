"""One request of a job: its options become what is sent, and its answer the job's data."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adaptors._http.client import send
from adaptors._http.request import Request
from adaptors._http.response import Response, json_body, raise_for_status
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError
from adaptors.http import bodies, idempotency
from adaptors.http.credential import Configuration, client
from adaptors.http.options import DEFAULTS
from adaptors.operations import State, resolve


def resolve_options(state: State, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give all options with their values; those that were not said are `None` or usual."""
    given = DEFAULTS | {name: each for name, each in options.items() if each is not None}
    files = given.pop("files", None)
    found: dict[str, Any] = resolve(state, given)
    return found if files is None else found | {"files": bodies.files_of(state, files)}


def send_request(
    state: State, method: str, path: str, options: Mapping[str, Any], json: Any = None
) -> Response:
    """Send a request with its resolved options, and give its answer when it is accepted."""
    said = options["accept_statuses"]
    accepts = {said} if isinstance(said, int) else said
    body, kind = bodies.encoded(json, options)
    call = Request(
        method.upper(),
        path,
        options.get("query"),
        _headers(options.get("headers")),
        body,
        kind,
        options["timeout"],
        max_bytes=options["max_bytes"],
        follow_redirects=not any(300 <= status < 400 for status in accepts),
    )
    key = idempotency.key_for(state, call, options.get("idempotency_key"))
    if key is not None:
        own = {options["idempotency_header"]: key, **(call.headers or {})}
        call = replace(call, headers=own)
    return raise_for_status(send(client(read_credential(Configuration, state)), call), accepts)


def parse_body(response: Response, parse_as: str) -> Any:
    """Give an answer as a job wants it; `RemoteRefused` where it promises JSON and is none."""
    if parse_as == "base64":
        return base64.b64encode(response.content).decode()
    if parse_as == "text":
        return response.text
    promised = re.search(r"[/+]json\b", response.headers.get("content-type", ""), re.IGNORECASE)
    if 200 <= response.status < 300 and (promised or parse_as == "json"):
        return json_body(response)
    return response.body


def _headers(headers: Any) -> Mapping[str, str] | None:
    if headers is not None and not isinstance(headers, Mapping):
        raise ConfigurationError(f"headers is a dict of texts, not {type(headers).__name__}")
    return headers
