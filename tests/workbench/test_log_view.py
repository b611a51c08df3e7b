"""The log view: readable lines for log lines and received requests."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from rich.console import Console

from openfn.log_events import LogEvent
from workbench.local.destination import Received
from workbench.local.log_view import LogView


@pytest.fixture
def printed():
    """Return what a log view prints, without the time of day."""

    def text(print_to):
        file = StringIO()
        print_to(LogView(Console(file=file, width=40)))
        return re.sub(r"^\d\d:\d\d:\d\d ", "", file.getvalue(), flags=re.MULTILINE)

    return text


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            {"message": LogEvent.MESSAGE_STORED, "size": 9, "inbox": "field", "message_id": "m1"},
            "stored 9 bytes from inbox field as m1",
        ),
        (
            {
                "message": LogEvent.MESSAGE_STORED,
                "size": 9,
                "inbox": "field",
                "message_id": "m1",
                "queued": "at the next tick",
            },
            "stored 9 bytes from inbox field as m1, to be queued at the next tick",
        ),
        (
            {"message": LogEvent.MESSAGE_MATCHED, "trigger": "form", "job": "go"},
            "form matched → go",
        ),
        (
            {"message": LogEvent.MESSAGE_UNMATCHED, "message_id": "m1"},
            "no trigger matches (try `ofn match` on the body)  …m1",
        ),
        (
            {"message": LogEvent.RUN_SUCCEEDED, "job": "go", "duration_ms": 7},
            "go succeeded in 7 ms",
        ),
        (
            {
                "level": "WARNING",
                "message": LogEvent.MESSAGE_REFUSED,
                "service": "inbox",
                "status": 404,
            },
            "refused a post to an unknown inbox: answered 404",
        ),
    ],
    ids=lambda value: value["message"] if isinstance(value, dict) else "",
)
def test_log_line_is_printed_as_a_sentence(printed, event, sentence):
    line = printed(lambda view: view.print_log_line("inbox", json.dumps(event)))
    assert line == f"inbox       {sentence}\n"


def test_line_that_is_not_json_is_printed_unchanged(printed):
    assert printed(lambda view: view.print_log_line("runner", "[1] x")) == "runner      [1] x\n"


def test_metrics_are_not_printed(printed):
    metrics = '{"_aws": {}, "RunsFailed": [1.0]}'
    assert printed(lambda view: view.print_log_line("runner", metrics)) == ""


def test_received_body_is_shortened_and_may_be_binary(printed):
    received = Received("POST", "/x", "Basic secret", b"\xff" + b"y" * 200)
    line = printed(lambda view: view.print_received(received))
    assert line == f"destination POST /x \ufffd{'y' * 99}… (201 bytes)\n"
