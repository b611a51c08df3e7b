"""The functions' log lines, told as one readable line each."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from rich.console import Console

from openfn.log_events import LogEvent
from workbench.local.destination import Received
from workbench.local.log_view import Narrator


@pytest.fixture
def told():
    """Give what a narrator prints, without the time of day."""

    def text(tell):
        file = StringIO()
        tell(Narrator(Console(file=file, width=40)))
        return re.sub(r"^\d\d:\d\d:\d\d ", "", file.getvalue(), flags=re.MULTILINE)

    return text


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            {"message": LogEvent.MESSAGE_STORED, "size": 9, "inbox": "field", "message_id": "m1"},
            "kept 9 bytes for field as m1",
        ),
        (
            {
                "message": LogEvent.MESSAGE_STORED,
                "size": 9,
                "inbox": "field",
                "message_id": "m1",
                "queued": "at the next tick",
            },
            "kept 9 bytes for field as m1, to be queued at the next tick",
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
def test_a_log_line_is_told_as_a_sentence(told, event, sentence):
    assert told(lambda each: each.tell("inbox", json.dumps(event))) == f"inbox       {sentence}\n"


def test_a_line_that_is_no_event_is_told_as_it_is(told):
    assert told(lambda each: each.tell("runner", "[1] x")) == "runner      [1] x\n"


def test_metrics_are_passed_over(told):
    assert told(lambda each: each.tell("runner", '{"_aws": {}, "RunsFailed": [1.0]}')) == ""


def test_what_the_destination_received_is_cut_and_need_be_no_text(told):
    received = Received("POST", "/x", "Basic secret", b"\xff" + b"y" * 200)
    line = told(lambda each: each.told(received))
    assert line == f"destination POST /x \ufffd{'y' * 99}… (201 bytes)\n"
