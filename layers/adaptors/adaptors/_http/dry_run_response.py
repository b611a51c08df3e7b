"""What a dry run shows of a request, and what it is answered with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from requests import PreparedRequest

from adaptors._http.response import Response
from adaptors._http.urls import display_url
from adaptors._runtime import dry_run
from adaptors._runtime.dry_run import Dry, DryRequest

MASK = "***"
_NAMES = "auth|cookie|token|secret|password|session|signature"
_SECRET_HEADER = re.compile(f"{_NAMES}|(?<!idempotency-)key", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(f"{_NAMES}|key$", re.IGNORECASE)  # not a keyword


def record_request(
    request: PreparedRequest, plain: PreparedRequest, seen: list[Dry], dry_run_response: Any
) -> Response:
    """Show a request and give the answer that is dry_run_response, as JSON; nothing is sent.

    What it has and the `plain` one has not is its credential, and masked; so is what by its name
    is a secret.
    """
    method, url = request.method or "", request.url or ""
    headers = {name: str(value) for name, value in request.headers.items()}
    body = request.body if isinstance(request.body, bytes) else b""
    shown_url, shown_headers = _url(url, plain.url or ""), _headers(headers, plain.headers)
    dry = DryRequest(method, shown_url, shown_headers, body)
    seen.append(dry)
    default = dry_run.Reply(body={} if dry_run_response is None else dry_run_response)
    reply = dry_run.scripted_response(dry) or default
    named = reply.lower_case_headers
    return Response(method, display_url(url), reply.status, reply.reason, named, reply.content)


def _headers(headers: Mapping[str, str], plain: Mapping[str, str]) -> dict[str, str]:
    return {
        name: MASK if _SECRET_HEADER.search(name) or plain.get(name) != value else value
        for name, value in headers.items()
    }


def _url(url: str, plain: str) -> str:
    address, mark, query = url.partition("?")
    known = plain.partition("?")[2].split("&")
    parts = [_parameter(part, known) for part in query.split("&")]
    return re.sub("//[^/]*@", f"//{MASK}@", address) + mark + "&".join(parts)


def _parameter(part: str, known: list[str]) -> str:
    name, mark, _ = part.partition("=")
    secret = part not in known or _SECRET_PARAMETER.search(unquote(name))
    return f"{name}{mark}{MASK}" if mark and secret else part
