"""A console on the example project's stack, called as API Gateway calls it."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from console import request, site
from console.access import Access
from console.site import Site
from functions.console.app import lambda_handler
from tests.conftest import ROOT, post
from workbench.local.destination import run_destination
from workbench.local.stack import create_stack

HOST = "127.0.0.1:8081"


@dataclass
class Page:
    """A response of the console."""

    status: int
    headers: dict
    content: bytes
    sent_bytes: int
    """The size of the content as it was sent, perhaps compressed."""

    @property
    def text(self):
        return self.content.decode()


@dataclass
class Browser:
    """A browser that is signed in to the console."""

    access: Access
    cookie: str = ""
    headers: dict = field(default_factory=dict)

    def get(self, url, **headers):
        return self._send("GET", url, "", headers)

    def post(self, url, form=(), **headers):
        """Post a form with the session's token, as a page of the console does."""
        fields = {"token": self.access.token(self._request()), **dict(form)}
        own = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
        return self._send("POST", url, urlencode(fields, doseq=True), own | headers)

    def _request(self):
        return request.from_event(self._event("GET", "/", "", {}))

    def _event(self, method, url, body, headers):
        parts = urlsplit(url)
        event = {
            "version": "2.0",
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": {"host": HOST, **self.headers, **headers},
            "cookies": [self.cookie] if self.cookie else [],
            "queryStringParameters": {k: v[-1] for k, v in parse_qs(parts.query).items()},
            "requestContext": {"http": {"method": method, "path": parts.path}, "stage": "$default"},
            "isBase64Encoded": False,
        }
        return event | ({"body": body} if body else {})

    def _send(self, method, url, body, headers):
        response = lambda_handler(self._event(method, url, body, headers), None)
        content = response["body"] or ""
        content = base64.b64decode(content) if response["isBase64Encoded"] else content.encode()
        size = len(content)
        if response["headers"].get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        return Page(response["statusCode"], response["headers"], content, size)


@pytest.fixture(scope="module")
def stack():
    """The example project's stack, whose jobs have a destination."""
    with (
        run_destination() as destination,
        create_stack(ROOT / "project") as stack,
    ):
        stack.set_credential("registry", {"baseUrl": destination.url})
        yield stack


@pytest.fixture(scope="module")
def browser(stack):
    """A browser that is signed in to the stack's console."""
    access = Access("secret", (HOST, "localhost:8081"))
    with ExitStack() as context:
        context.enter_context(
            site.use(Site("openfn", access, "local", lambda: {"field-data": "http://x"}))
        )
        yield Browser(access, access.create_cookie().partition(";")[0])


@pytest.fixture
def project(tmp_path):
    """A copy of the example project, to be changed."""
    return shutil.copytree(
        ROOT / "project", tmp_path / "project", ignore=shutil.ignore_patterns("credentials")
    )


def sample(name="kobo_household", **changes):
    """Return a sample post as JSON text, with changed values."""
    return json.dumps(json.loads((ROOT / f"events/{name}.json").read_text("utf-8")) | changes)


def send(stack, body, inbox="field-data"):
    """Post a body, process the queues, and return the message's id."""
    response = post(stack, body, inbox, headers={"content-type": "application/json"})
    stack.drain()
    return response["headers"]["X-Message-Id"]
