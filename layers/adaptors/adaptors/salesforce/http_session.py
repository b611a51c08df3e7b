"""Route the logins of simple-salesforce through our HTTP client."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import Any
from xml.parsers.expat import ExpatError

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from adaptors._formats.xml_text import parse_xml
from adaptors._http.client import Client, send
from adaptors._http.request import Request
from adaptors._http.response import Response, is_retryable, raise_for_status


def login_session(client: Client, timeout: float) -> requests.Session:
    """Return a session that sends every request to the client's base URL."""
    session = requests.Session()
    session.trust_env = False  # neither proxies nor a netrc file: the client has its own rules
    session.headers.clear()
    session.mount("https://", TransportAdapter(client, timeout))
    return session


class TransportAdapter(BaseAdapter):
    """Sends prepared requests with our HTTP client, to its base URL whatever their host is."""

    def __init__(self, client: Client, timeout: float) -> None:
        super().__init__()
        self._client = client
        self._timeout = timeout

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **_options: Any
    ) -> requests.Response:
        """Send a login, and return its response unless the failure is not the login's own."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        response = send(
            self._client,
            Request(
                request.method or "",
                request.path_url,
                headers=request.headers,
                body=body,
                timeout=self._timeout,
                follow_redirects=False,
            ),
        )
        # SOAP faults have status 500; simple-salesforce reads them.
        is_fault = "/Soap/" in request.path_url and b"exceptionCode" in response.content
        if not is_fault and (300 <= response.status < 400 or is_retryable(response)):
            raise_for_status(response)
        with suppress(ExpatError, LookupError):  # not XML
            parse_xml(response.content)  # refuses a document type, which the library would read
        return _to_requests(response)

    def close(self) -> None:
        """Do nothing: the HTTP client has no connection of its own."""


def _to_requests(response: Response) -> requests.Response:
    converted = requests.Response()
    converted.status_code = response.status
    converted.reason = response.reason
    converted.url = response.url
    converted.headers = CaseInsensitiveDict(response.headers)
    converted.encoding = "utf-8"  # which Salesforce writes
    converted.raw = BytesIO(response.content)
    return converted
