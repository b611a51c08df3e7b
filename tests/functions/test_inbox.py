"""The inbox: what a source receives, and what is stored."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ConnectionClosedError
from moto.core.models import botocore_stubber

from openfn.log_events import LogEvent
from openfn.storage import aws
from openfn.storage.aws import Setting
from tests.conftest import ROOT, post
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call
from tests.support.stack_client import without_queue
from tests.support.stored_messages import stored_message
from workbench.local.destination import run_destination
from workbench.local.sample_posts import POSTS

KOBO = POSTS[0]


def _items():
    return stack_client.client("dynamodb").scan(TableName=_table())["Items"]


def _table():
    return aws.setting(aws.Setting.TABLE_NAME)


def test_response_is_exactly_200_and_an_empty_object(urls):
    response = KOBO.send(urls["field-data"])
    assert (response.status_code, response.text) == (200, "{}")
    assert response.headers["Content-Type"] == "application/json"
    assert response.history == []


def test_exact_bytes_and_request_are_stored(stack):
    body = '{ "b":1.50,\r\n "a" : "é\\u00e9" }\n'
    message = stored_message(post(stack, body, inbox="field-data"))
    assert message.body == body.encode()
    assert message.inbox == "field-data"
    assert message.method == "POST"
    assert message.query_params == {"app_id": "6f1d5a0c", "site": ["A", "B"], "empty": ""}
    assert message.headers["user-agent"] == "python-requests/2.32.3"


def test_secret_headers_are_not_stored(stack):
    secret = ("Authorization", "X-Session-Id", "X-Passphrase", "X-Pwd", "X-Amzn-Trace-Id")
    headers = dict.fromkeys(secret, "hunter2") | {"X-Form": "household"}
    message = stored_message(post(stack, "{}", inbox="field-data", headers=headers))
    assert dict(message.headers) == {"x-form": "household"}


@pytest.mark.parametrize("suffix", ["", "?", "/", "/?", "?app_id=1", "?a=%20&a=2", "/?app_id=None"])
def test_suffixes_that_sources_append_to_the_url_are_routed(urls, suffix):
    response = requests.post(urls["field-data"] + suffix, data=b"{}", timeout=10)
    assert response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_connection_test_returns_200(urls, method):
    response = requests.request(method, urls["commcare"], timeout=10)
    assert response.status_code == 200
    assert response.text == ("" if method == "HEAD" else "{}")


@pytest.mark.parametrize("inbox_id", ["wrong", "a/b", "%00", "ü", "x" * 500])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_unknown_inbox_returns_404_and_stores_nothing(urls, method, inbox_id):
    base = urls["commcare"].rpartition("/")[0]
    response = requests.request(method, f"{base}/{inbox_id}", data=b"{}", timeout=10)
    assert response.status_code == 404
    assert "inbox" in response.json()["error"]
    assert _items() == []


@pytest.mark.parametrize("path", ["/inbox", "/inbox/", "/", "/other/x"])
def test_other_paths_return_404_from_api_gateway(urls, path):
    base = urls["commcare"].split("/inbox/")[0]
    assert requests.post(base + path, data=b"{}", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"name=Amina&age=7x", "line 1, column 1"),
        (b'{"a": 1,}', "line 1, column 9"),
        (b'{"a":\n 01}', "line 2"),
        (b"[" * 200_000, "deeper than 200 levels"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b"\x00\xff\xfe", "not JSON"),
    ],
)
def test_unreadable_body_returns_400_with_the_location(stack, body, text):
    response = post(stack, body, inbox="field-data")
    assert response["statusCode"] == 400
    assert text in json.loads(response["body"])["error"]


def test_unreadable_body_is_stored_once_per_inbox_and_content(stack, log_lines):
    for _ in range(3):
        assert post(stack, b"{broken", inbox="field-data")["statusCode"] == 400
    post(stack, b"{broken", inbox="commcare")
    post(stack, b"{broken too", inbox="commcare")
    stored = [item for item in _items() if "unreadable" in item]
    assert [item["body"]["B"] for item in stored].count(b"{broken") == 2
    assert len(stored) == 3
    repeated = [event.get("kept") for event in log_lines.events(LogEvent.MESSAGE_UNREADABLE)]
    assert repeated == [None, "before", "before", None, None]
    stack.drain()
    assert log_lines.events(LogEvent.MESSAGE_MATCHED) == []


def test_iso_8859_1_body_is_accepted_and_stored_unchanged(stack):
    body = '{"name": "Zoé"}'.encode("iso-8859-1")
    message = stored_message(post(stack, body, inbox="field-data"))
    assert message.body == body


@pytest.mark.parametrize("size", [1_000, 349_000, 360_000, 3_000_000, 5_900_000])
def test_bodies_of_every_size_are_stored_byte_for_byte(urls, size):
    noise = base64.b64encode(random.Random(size).randbytes(size * 3 // 4))
    body = b'{"image": "' + noise + b'"}'
    response = requests.post(
        urls["field-data"], data=body, headers={"Content-Type": "application/json"}, timeout=30
    )
    assert response.status_code == 200
    assert stored_message(response).body == body


def test_large_body_and_long_query_fit_into_one_item(stack):
    noise = base64.b64encode(random.Random(7).randbytes(345_000)).decode()
    query = "a=" + "%EF%BF%BD" * 10_000
    response = post(stack, f'"{noise}"', inbox="field-data", rawQueryString=query)
    message = stored_message(response)
    assert message.body == f'"{noise}"'.encode()
    assert message.query_params == {"a": "\ufffd" * 10_000}
    (item,) = _items()
    assert (
        sum(len(name) + len(next(iter(value.values()))) for name, value in item.items()) < 400_000
    )


def test_compressible_body_is_stored_compressed(stack):
    post(stack, json.dumps({"answers": ["no"] * 2000}), inbox="field-data")
    (item,) = _items()
    assert len(item["body_zlib"]["B"]) < 200


def test_body_above_the_limit_of_lambda_returns_413(urls):
    response = requests.post(urls["field-data"], data=b'"' + b"x" * 6_500_000 + b'"', timeout=30)
    assert response.status_code == 413


def test_failing_table_returns_503_with_retry_after_and_queues_nothing(stack, log_lines):
    stack_client.delete_table()
    response = post(stack, '{"name": "Amina Kofi"}', inbox="field-data")
    assert response["statusCode"] == 503
    assert response["headers"]["Retry-After"] == "5"
    (event,) = log_lines.events(LogEvent.MESSAGE_NOT_STORED)
    assert event["error"] == "ResourceNotFoundException"
    stack.drain()
    assert log_lines.events(LogEvent.MESSAGE_MATCHED) == []


def test_unexpected_error_returns_503(stack):
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    path = {"id": stack.inbox_ids["commcare"]}
    for broken in (
        {},
        event | {"pathParameters": None},
        event | {"pathParameters": path, "requestContext": {}},
        event | {"pathParameters": path, "isBase64Encoded": True},
    ):
        assert stack.invoke("inbox", broken)["statusCode"] == 503


def test_message_is_accepted_while_the_queue_fails_and_queued_by_the_tick(stack, log_lines):
    with without_queue(stack, "MATCH_QUEUE_URL"):
        assert post(stack, KOBO.body, inbox="field-data")["statusCode"] == 200
    assert log_lines.events(LogEvent.MESSAGE_STORED)[0]["queued"] == "at the next tick"
    with run_destination() as destination:
        stack.set_credential("registry", {"baseUrl": destination.url})
        stack.drain()
        assert destination.received == []
        stack.tick()
        stack.tick()
        stack.drain()
        assert len(destination.received) == 1
    assert [event["messages"] for event in log_lines.events(LogEvent.MESSAGES_QUEUED_LATE)] == [1]
    assert not [item for item in _items() if "attention" in item]


def test_local_gateway_sends_the_event_format_of_api_gateway(stack):
    events = []
    from workbench.local import api_gateway  # noqa: PLC0415 - beside its use

    def invoke(_function, event):
        events.append(event)
        return {"statusCode": 200, "body": "{}"}

    with api_gateway.serve_routes(stack.resources.routes, invoke, 0) as base:
        requests.post(f"{base}/inbox/id/?a=1&a=2", json={"a": "ä"}, timeout=10)
    saved = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    (event,) = events
    assert set(event) == set(saved)
    assert set(saved["requestContext"]) - set(event["requestContext"]) == {"domainPrefix"}
    assert set(event["requestContext"]["http"]) == set(saved["requestContext"]["http"])
    assert event["queryStringParameters"] == {"a": "1,2"}


def test_deployed_project_contains_only_hashes_of_inbox_ids(stack):
    text = (Path(os.environ["PROJECT_DIR"]) / "project.json").read_text("utf-8")
    for inbox_id in stack.inbox_ids.values():
        assert inbox_id not in text
        assert hashlib.sha256(inbox_id.encode()).hexdigest() in text


@pytest.mark.moto
@pytest.mark.parametrize("takes_effect", [False, True])
def test_message_is_queued_once_if_the_first_attempt_to_queue_it_fails(
    stack, log_lines, takes_effect
):
    """AWS has closed the connection that the function kept while it was frozen."""
    attempts = []

    def fail_first_attempt(event_name, request, **_):
        attempts.append(event_name)
        if len(attempts) > 1:
            return
        if takes_effect:
            botocore_stubber(event_name, request)
        raise ConnectionClosedError(endpoint_url=request.url)

    with hook_aws_call("before-send.sqs.SendMessageBatch", fail_first_attempt):
        post(stack, '{"n": 1}', inbox="field-data")
    assert "queued" not in log_lines.events(LogEvent.MESSAGE_STORED)[0]
    url = aws.setting(Setting.MATCH_QUEUE_URL)
    received = stack_client.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    assert len(received["Messages"]) == 1
