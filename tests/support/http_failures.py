"""The HTTP failures that every adaptor must distinguish, and the checks they share."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass

import pytest

from adaptors.errors import RemoteRefused, RemoteUnavailable
from tests.support.errors import error_of
from tests.support.wsgi_server import html_page, redirect, status, truncated


@dataclass(frozen=True)
class Failure:
    """What a server responds, and the error that an operation has to raise."""

    response: object
    error: type
    retry_after: float | None = None


FAILURES = {
    "401": Failure(status(401), RemoteRefused),
    "409": Failure(status(409, b'{"error": "Amina exists already"}'), RemoteRefused),
    "429": Failure(status(429, Retry_After="7"), RemoteUnavailable, 7.0),
    "503": Failure(status(503), RemoteUnavailable),
    "truncated": Failure(truncated, RemoteUnavailable),
    "web page": Failure(html_page, RemoteRefused),
    "redirect": Failure(redirect("/missing-page"), RemoteRefused),
}


def every_failure(operations, read, write, without=()):
    """Parametrize `make` and `failure`: all failures for one read and one write, else only 503.

    All operations of a system send their requests through the same code.
    """
    cases = [
        pytest.param(make, failure, id=f"{name}-{failure_name}")
        for name, make in operations.items()
        for failure_name, failure in FAILURES.items()
        if failure_name not in without and (name in {read, write} or failure_name == "503")
    ]
    return pytest.mark.parametrize(("make", "failure"), cases)


def assert_failure_has_verdict(failure, server, operate, state):
    """Let the server fail once, and check the error. It may not quote the payload."""
    server.failures.append(failure.response)
    error = error_of(operate, state)
    assert type(error) is failure.error
    assert getattr(error, "retry_after", None) == failure.retry_after
    assert server.url in str(error)
    assert "Amina" not in str(error)
    assert not server.failures


def assert_times_out(server, operate, state):
    """Let the server not respond, and check that the operation does not wait for it."""
    server.failures.append(server.silent)
    error = error_of(operate, state)
    assert type(error) is RemoteUnavailable
    assert str(error).endswith("no response in time.")
    # A server that is slow to receive the request would be silent in the next test.
    deadline = time.monotonic() + 2
    while server.failures and time.monotonic() < deadline:
        time.sleep(0.005)
    server.failures.clear()


def assert_no_secrets(secrets, *outputs):
    """Check that no output contains a secret, nor its encoding for basic authentication."""
    text = " ".join(output if isinstance(output, str) else json.dumps(output) for output in outputs)
    for secret in secrets:
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text
