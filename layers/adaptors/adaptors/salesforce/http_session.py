"""What simple-salesforce sends through: its requests leave as those of all adaptors do."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from adaptors._http.client import Client, send
from adaptors._http.request import Request
from adaptors._http.response import Response, is_retryable, log_response, raise_for_status
from adaptors.errors import RemoteRefused
from adaptors.salesforce.error_codes import judged

_FORM = "application/x-www-form-urlencoded"


class Gate:
    """What simple-salesforce is given for a `requests.Session` of its own.

    It goes to the one address it was made for, whatever host simple-salesforce puts together, and
    no status that means trouble gets past it.
    """

    def __init__(self, base: str, named: str, timeout: float) -> None:
        self.proxies: dict[str, str] = {}
        self._access = Client(base, base_url_key=named)
        self._timeout = timeout

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None = None,
        data: str | None = None,
        told: str | None = None,
        dry_run_response: Any = None,
        raw: bool = False,
    ) -> requests.Response:
        """Send a request of the API; its answer is JSON, unless a `raw` one is wanted."""
        kept = {name: value for name, value in headers.items() if name != "X-PrettyPrint"}
        body = None if data is None else data.encode()
        call = Request(
            method,
            _path(url),
            params,
            kept,
            body,
            timeout=self._timeout,
            dry_run_response=dry_run_response,
            follow_redirects=False,
            display_url=told,
        )
        answer = judged(send(self._access, call))
        return _response(answer if raw else _json(answer))

    def post(
        self,
        url: str,
        data: str | Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        proxies: object = None,  # noqa: ARG002 - what simple-salesforce logs in with
    ) -> requests.Response:
        """Send a login; what SOAP and OAuth say of a failure is left to simple-salesforce."""
        body = data if isinstance(data, str) else urlencode(data)
        call = Request(
            "POST",
            _path(url),
            None,
            headers,
            body.encode(),
            content_type=_FORM,
            timeout=self._timeout,
            follow_redirects=False,
        )
        answer = send(self._access, call)
        fault = isinstance(data, str) and b"exceptionCode" in answer.content  # SOAP's are all 500
        if not fault and (300 <= answer.status < 400 or is_retryable(answer)):
            raise_for_status(answer)
        return _response(answer)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return url.removeprefix(f"{parts.scheme}://{parts.netloc}")


def _json(answer: Response) -> Response:
    if answer.status == 204 or isinstance(answer.body, dict | list):
        return answer
    log_response(answer)
    raise RemoteRefused(
        f"{answer.summary}, but not with JSON; make the address in the credential the one of the "
        "API: https://….my.salesforce.com"
    )


def _response(answer: Response) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.reason = answer.reason
    response.url = answer.url
    response.headers = CaseInsensitiveDict(answer.headers)
    response.encoding = "utf-8"  # which Salesforce writes
    response.raw = BytesIO(answer.content)
    return response
