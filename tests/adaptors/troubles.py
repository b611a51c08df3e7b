"""The troubles every adaptor must tell apart, and what may never be told."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors._runtime.emit import emit_to
from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
from tests.adaptors.serving import html_page, redirect, status, truncated


@dataclass(frozen=True)
class Trouble:
    """What a server answers, and the error it has to become."""

    answer: object
    error: type
    retry_after: float | None = None


TROUBLES = {
    "401": Trouble(status(401), RemoteRefused),
    "409": Trouble(status(409, b'{"error": "Amina is there already"}'), RemoteRefused),
    "429": Trouble(status(429, Retry_After="7"), RemoteUnavailable, 7.0),
    "503": Trouble(status(503), RemoteUnavailable),
    "truncated": Trouble(truncated, RemoteUnavailable),
    "page": Trouble(html_page, RemoteRefused),
    "redirect": Trouble(redirect("/a-page-that-is-not-there"), RemoteRefused),
}


def each_trouble(*without):
    rest = {name: each for name, each in TROUBLES.items() if name not in without}
    return pytest.mark.parametrize("trouble", rest.values(), ids=rest)


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def assert_judged(trouble, served, operate, state):
    """Answer with the trouble once, and see it judged without another word about the payload."""
    served.troubles.append(trouble.answer)
    error = error_of(operate, state)
    assert type(error) is trouble.error
    assert getattr(error, "retry_after", None) == trouble.retry_after
    assert served.url in str(error)
    assert "Amina" not in str(error)
    assert not served.troubles


def assert_silence_is_waited_for_no_longer(served, operate, state):
    served.troubles.append(served.silent)
    error = error_of(operate, state)
    assert type(error) is RemoteUnavailable
    assert str(error).endswith("no response in time.")
    # A server that is slow to take the request would answer the next test's with this silence.
    until = time.monotonic() + 2
    while served.troubles and time.monotonic() < until:
        time.sleep(0.005)
    served.troubles.clear()


def assert_untold(secrets, *tellers):
    """No secret, nor what basic authentication makes of one, is in anything that is told."""
    told = " ".join(each if isinstance(each, str) else json.dumps(each) for each in tellers)
    for secret in secrets:
        assert secret not in told
        assert base64.b64encode(secret.encode()).decode() not in told


def rehearsed(operate, state):
    """Give the state after a dry run, and the requests that it would have sent."""
    with dry_run() as seen:
        after = operate(state)
    return after, [each.as_dict() for each in seen]


@contextmanager
def emitting():
    """Collect what is emitted: `(inbox, body)`."""
    taken = []
    with emit_to(lambda inbox, body: taken.append((inbox, json.loads(body)))):
        yield taken


def as_kept(state):
    """Give a final state as the next run of a cron job finds it: as JSON, `references` empty."""
    kept = {key: part for key, part in state.items() if key != "configuration"}
    return {**json.loads(json.dumps(kept)), "references": []}
