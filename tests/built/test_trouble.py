"""What a source is told while a service behind the inbox does not work, and how soon."""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager

import boto3
import pytest
from werkzeug.wrappers import Response

from tests.built.conftest import environment_of
from tests.built.lambda_runtime import running
from tests.conftest import ROOT
from workbench.local import http_server

_PATIENCE = 10  # seconds: DHIS2's, the shortest of all sources


@contextmanager
def _never_answers():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def _refuses_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def _throttles():
    error = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow"}
    answer = Response(json.dumps(error), 400, content_type="application/x-amz-json-1.0")
    with http_server.serve(lambda _request: answer) as url:
        yield url


@contextmanager
def _fails():
    with http_server.serve(lambda _request: Response("<html>", 500)) as url:
        yield url


TROUBLES = [_never_answers, _refuses_the_connection, _throttles, _fails]


def _post(layout, aws, known_ids, **endpoints):
    made, endpoint = aws
    root = layout("inbox")
    known_ids(root)
    environment = environment_of(made.functions["inbox"], root, endpoint)
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"] = {"id": "the-id-of-field-data"}
    with running(root, made.functions["inbox"], environment | endpoints) as invoke:
        invoke({"pathParameters": {"id": "wrong"}})  # the cold start is over
        began = time.monotonic()
        answer = invoke(event)
        return answer, time.monotonic() - began


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__.strip("_"))
def test_a_table_in_trouble_is_a_503_in_time(layout, aws, known_ids, trouble):
    with trouble() as url:
        answer, seconds = _post(layout, aws, known_ids, AWS_ENDPOINT_URL_DYNAMODB=url)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "5")
    assert seconds < _PATIENCE


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__.strip("_"))
def test_a_queue_in_trouble_is_a_200_in_time_and_the_message_is_marked(
    layout, aws, known_ids, trouble
):
    with trouble() as url:
        answer, seconds = _post(layout, aws, known_ids, AWS_ENDPOINT_URL_SQS=url)
    assert answer["statusCode"] == 200
    assert seconds < _PATIENCE
    table = aws[0].physical_ids["Table"]
    (item,) = boto3.client("dynamodb").scan(TableName=table)["Items"]
    assert item["sk"]["S"] == answer["headers"]["X-Message-Id"]
    assert item["attention"]["S"] == "unqueued"
