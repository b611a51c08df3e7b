"""The texts of log messages, which people's own queries and alarms filter by."""

from __future__ import annotations

import re
from pathlib import Path

from openfn.log_events import LogEvent

ROOT = Path(__file__).resolve().parents[2]

RELEASED = {
    "circuit open",
    "erased",
    "message kept",
    "message matched",
    "message not kept",
    "message not matched",
    "message refused",
    "message unmatchable",
    "message unmatched",
    "message unreadable",
    "messages emitted",
    "messages queued late",
    "query ignored",
    "run due",
    "run failed",
    "run failed in the runner",
    "run follows",
    "run not executed",
    "run not queued",
    "run succeeded",
    "run waiting",
    "runs queued again",
    "strays queued",
    "tick not handled",
}


def test_log_messages_keep_their_released_texts():
    assert {event.value for event in LogEvent} == RELEASED


def test_template_filters_only_by_log_messages_that_exist():
    filters = re.findall(
        r"filter message (?:=|in) (\[.*?\]|'.*?'|\".*?\")",
        (ROOT / "template.yaml").read_text("utf-8"),
    )
    texts = {text for clause in filters for text in re.findall(r"['\"](.+?)['\"]", clause)}
    assert len(texts) >= 5
    assert texts <= RELEASED
