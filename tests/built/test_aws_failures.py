"""The inbox answers in time while an AWS service behind it fails."""

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

_SOURCE_TIMEOUT_SECONDS = 10  # DHIS2's, the shortest of all sources


@contextmanager
def _never_answers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _refuses_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def _throttles():
    error = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow"}
    response = Response(json.dumps(error), 400, content_type="application/x-amz-json-1.0")
    with http_server.serve(lambda _request: response) as url:
        yield url


@contextmanager
def _fails():
    with http_server.serve(lambda _request: Response("<html>", 500)) as url:
        yield url


FAILURES = [_never_answers, _refuses_the_connection, _throttles, _fails]


def _post(install_function, aws, set_inbox_ids, **endpoints):
    created, endpoint = aws
    root = install_function("inbox")
    set_inbox_ids(root)
    environment = environment_of(created.functions["inbox"], root, endpoint)
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"] = {"id": "the-id-of-field-data"}
    with running(root, created.functions["inbox"], environment | endpoints) as invoke:
        invoke({"pathParameters": {"id": "wrong"}})  # so that the cold start does not count
        started = time.monotonic()
        response = invoke(event)
        return response, time.monotonic() - started


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__.strip("_"))
def test_inbox_answers_503_in_time_while_the_table_fails(
    install_function, aws, set_inbox_ids, failure
):
    with failure() as url:
        response, seconds = _post(
            install_function, aws, set_inbox_ids, AWS_ENDPOINT_URL_DYNAMODB=url
        )
    assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "5")
    assert seconds < _SOURCE_TIMEOUT_SECONDS


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__.strip("_"))
def test_inbox_answers_200_in_time_and_flags_the_message_while_the_queue_fails(
    install_function, aws, set_inbox_ids, failure
):
    with failure() as url:
        response, seconds = _post(install_function, aws, set_inbox_ids, AWS_ENDPOINT_URL_SQS=url)
    assert response["statusCode"] == 200
    assert seconds < _SOURCE_TIMEOUT_SECONDS
    table = aws[0].physical_ids["Table"]
    (item,) = boto3.client("dynamodb").scan(TableName=table)["Items"]
    assert item["sk"]["S"] == response["headers"]["X-Message-Id"]
    assert item["attention"]["S"] == "unqueued"
