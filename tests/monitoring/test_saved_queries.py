"""The saved queries of CloudWatch Logs find what their names promise."""

from __future__ import annotations

import json
import re

import pytest

from openfn.log_events import LogEvent
from tests.support.sam_template import resources_of_type

QUERIES = resources_of_type("AWS::Logs::QueryDefinition")


def query_fields(query):
    """Return the log fields that a query names, without CloudWatch's own."""
    lists = re.findall(r"(?:fields|by) ([a-z_@, ]+)", query)
    names = {name.strip() for names in lists for name in names.split(",")}
    names |= set(re.findall(r"filter (\w+) ", query)) | set(re.findall(r"latest\((\w+)\)", query))
    return {name for name in names if name and not name.startswith("@")}


def structured_lines(log_lines):
    """Return the parsed log lines without those that emit metrics."""
    return [json.loads(line) for _, line in log_lines if '"_aws"' not in line]


@pytest.mark.parametrize("name", QUERIES)
def test_every_field_of_a_query_is_logged(failing_log_lines, name):
    query = QUERIES[name]["QueryString"]
    messages = re.findall(r'"(message \w+(?: \w+)?|run \w+)"', query)
    lines = [
        line
        for line in structured_lines(failing_log_lines)
        if not messages or line["message"] in messages
    ]
    assert {line["message"] for line in lines} >= set(messages)
    missing = {field for field in query_fields(query) if not any(field in line for line in lines)}
    assert missing == set()


def test_the_history_of_a_message_has_all_its_stages(healthy):
    lines = structured_lines(healthy.log_lines)
    message_id = next(
        line["message_id"] for line in lines if line["message"] == LogEvent.MESSAGE_STORED
    )
    query = QUERIES["StoryQuery"]["QueryString"]
    assert 'message_id = "PUT-THE-ID-HERE" or run_id like /^PUT-THE-ID-HERE/' in query
    history = [
        line["message"]
        for line in lines
        if line.get("message_id") == message_id or line.get("run_id", "").startswith(message_id)
    ]
    assert history == [LogEvent.MESSAGE_STORED, LogEvent.MESSAGE_MATCHED, LogEvent.RUN_SUCCEEDED]
