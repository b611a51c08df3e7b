"""The saved queries of CloudWatch Logs find what their names promise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from openfn.log_events import LogEvent
from tests.monitoring.logs_insights import fields, select
from tests.support.sam_template import resources_of_type

QUERIES = resources_of_type("AWS::Logs::QueryDefinition")
# Lambda's records of invocations that died, in the shapes of its Telemetry API schema, and the two
# texts that it wrote before 2026:
# https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
DEATHS = Path(__file__).with_name("platform_events.jsonl").read_text("utf-8").splitlines()


def query_fields(query):
    """Return the log fields that a query names, without CloudWatch's own."""
    lists = re.findall(r"(?:fields|by) ([A-Za-z_@,. ]+)", query)
    names = {name.strip() for names in lists for name in names.split(",")}
    names |= set(re.findall(r"filter (\w+) ", query)) | set(re.findall(r"latest\((\w+)\)", query))
    return {name for name in names if name and not name.startswith(("@", "record.", "type"))}


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


@pytest.mark.parametrize("line", DEATHS, ids=range(len(DEATHS)))
def test_errors_and_warnings_show_an_invocation_that_died(line):
    assert select(QUERIES["TroubleQuery"]["QueryString"], [line]) == [line]


def test_errors_and_warnings_show_no_invocation_that_succeeded(healthy):
    success = (
        '{"time":"2026-11-20T10:05:00Z","type":"platform.report","record":{"status":"success"}}'
    )
    lines = [success, *(line for _, line in healthy.log_lines)]
    assert select(QUERIES["TroubleQuery"]["QueryString"], lines) == []


def test_every_field_of_lambdas_records_that_a_query_names_exists():
    names = set(re.findall(r"record\.[\w.]+", QUERIES["TroubleQuery"]["QueryString"]))
    assert names >= {"record.status", "record.errorType"}
    assert [name for name in names if not any(name in fields(line) for line in DEATHS)] == []


def test_filters_of_all_queries_can_be_evaluated(failing_log_lines):
    lines = [line for _, line in failing_log_lines]
    queries = {name: query["QueryString"] for name, query in QUERIES.items()}
    selected = {name: select(query, lines) for name, query in queries.items()}
    assert [name for name in selected if not selected[name]] == ["StoryQuery"]  # needs an id
