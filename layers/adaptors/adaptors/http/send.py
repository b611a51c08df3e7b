"""Send one request of a job: its options, its body, and the data of its response."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adaptors._http.client import send
from adaptors._http.request import Request
from adaptors._http.response import Response, json_body, raise_for_status
from adaptors._runtime.run_context import current_run
from adaptors.absent import require_present
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError
from adaptors.http import bodies
from adaptors.http.credential import Configuration, client
from adaptors.http.idempotency import idempotency_key
from adaptors.http.options import DEFAULTS
from adaptors.http.unknown_keys import refuse_unknown_keys
from adaptors.operations import State, resolve


def resolve_options(state: State, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options with their values; an option that is not set is None or its default."""
    set_options = {name: value for name, value in options.items() if value is not None}
    values = DEFAULTS | set_options
    files = values.pop("files", None)
    require_present(
        resolve(state, {"idempotency_key": values.get("idempotency_key")}), "The request"
    )
    resolved = {name: resolve(state, value) for name, value in values.items()}
    return resolved if files is None else resolved | {"files": bodies.resolve_files(state, files)}


def send_request(
    state: State, method: str, path: str, options: Mapping[str, Any], json: Any = None
) -> Response:
    """Send a request with its resolved options, and return the response if it is accepted."""
    statuses = options["accept_statuses"]
    accepted = {statuses} if isinstance(statuses, int) else statuses
    body, content_type = bodies.encode(json, options)
    request = Request(
        method.upper(),
        path,
        options.get("query"),
        _headers(options.get("headers")),
        body,
        content_type,
        options["timeout"],
        max_bytes=options["max_bytes"],
        follow_redirects=not any(300 <= status < 400 for status in accepted),
    )
    key = idempotency_key(state, request, options.get("idempotency_key"))
    if key is not None:
        headers = {options["idempotency_header"]: key, **(request.headers or {})}
        request = replace(request, headers=headers)
    response = send(client(_credential(state)), request)
    return raise_for_status(response, accepted)


def parse_body(response: Response, parse_as: str) -> Any:
    """Return a response's body as the job wants it.

    Raises RemoteRefused if the response declares JSON, or the job requires it, and it is not.
    """
    if parse_as == "base64":
        return base64.b64encode(response.content).decode()
    if parse_as == "text":
        return response.text
    content_type = response.headers.get("content-type", "")
    is_json = parse_as == "json" or re.search(r"[/+]json\b", content_type, re.IGNORECASE)
    return json_body(response) if 200 <= response.status < 300 and is_json else response.body


def _credential(state: State) -> Configuration:
    run = current_run()
    # The keys of another adaptor's credential belong to that adaptor's model.
    if run.adaptor in ("", "http"):
        refuse_unknown_keys(Configuration, state.get("configuration") or {}, run.read_source)
    return read_credential(Configuration, state)


def _headers(headers: Any) -> Mapping[str, str] | None:
    if headers is not None and not isinstance(headers, Mapping):
        raise ConfigurationError(f"headers is a dict of texts, not {type(headers).__name__}.")
    return headers
