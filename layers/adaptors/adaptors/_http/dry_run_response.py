"""Dry runs: record a request with its secrets masked, and return a scripted response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from requests import PreparedRequest

from adaptors._http.redaction import MASK, is_secret_name
from adaptors._http.response import Response
from adaptors._http.urls import display_url
from adaptors._runtime import dry_run
from adaptors._runtime.dry_run import DryRequest


def record_request(
    authorized: PreparedRequest, unauthorized: PreparedRequest, default: Any
) -> Response:
    """Record a request instead of sending it, and return its scripted or its default response.

    Whatever the authorized request has and the unauthorized has not is the credential: it is
    masked, as are headers and parameters whose name is that of a secret.
    """
    method, url = authorized.method or "", authorized.url or ""
    body = authorized.body if isinstance(authorized.body, bytes) else b""
    headers = {name: str(value) for name, value in authorized.headers.items()}
    request = DryRequest(
        method,
        _mask_url(url, unauthorized.url or ""),
        _mask_headers(headers, unauthorized.headers),
        body,
    )
    dry_run.record(request)
    reply = dry_run.scripted_response(request)
    reply = reply or dry_run.Reply(body={} if default is None else default)
    named = reply.lower_case_headers
    return Response(method, display_url(url), reply.status, reply.reason, named, reply.content)


def _mask_headers(headers: Mapping[str, str], public: Mapping[str, str]) -> dict[str, str]:
    return {
        name: MASK if is_secret_name(name) or public.get(name) != value else value
        for name, value in headers.items()
    }


def _mask_url(url: str, public_url: str) -> str:
    address, mark, query = url.partition("?")
    public = public_url.partition("?")[2].split("&")
    parameters = [_mask_parameter(parameter, public) for parameter in query.split("&")]
    return re.sub("//[^/]*@", f"//{MASK}@", address) + mark + "&".join(parameters)


def _mask_parameter(parameter: str, public: list[str]) -> str:
    name, equals, _ = parameter.partition("=")
    is_secret = parameter not in public or is_secret_name(unquote(name))
    return f"{name}={MASK}" if equals and is_secret else parameter
