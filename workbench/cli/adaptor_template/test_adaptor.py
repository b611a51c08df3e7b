"""Skeleton, tested against a small server."""

from __future__ import annotations

import pytest
from flask import Flask, request

from adaptors import skeleton as adaptor
from adaptors.sdk import AdaptorError, ConfigurationError, dry_run
from tests.support.wsgi_server import html_page, redirect, serve, status, truncated

SECRET = "s3cr3t-Zm9v"


def application():
    """Return the part of the API that the adaptor needs."""
    app = Flask(__name__)
    patients = []

    @app.before_request
    def authenticate():
        if request.headers.get("Authorization") != f"Token {SECRET}":
            return {"error": "unknown token"}, 401
        return None

    @app.get("/api/patients")
    def search():
        village = request.args["village"]
        return {"results": [patient for patient in patients if patient["village"] == village]}

    @app.post("/api/patients")
    def create():
        if request.json.get("name") == "":
            return {"error": "name is missing"}, 200
        patients.append({"id": len(patients) + 1, **request.json})
        return patients[-1], 201

    return app


@pytest.fixture(scope="module")
def server():
    with serve(application()) as running_server:
        yield running_server


@pytest.fixture
def state(server):
    """Return the state of a job whose credential leads to the server."""
    server.received.clear()
    server.failures.clear()
    return {"configuration": {"baseUrl": f"{server.url}/api", "token": SECRET}, "data": "before"}


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    assert SECRET not in str(caught.value)
    return caught.value


def test_created_record_can_be_fetched(state):
    after = adaptor.create("patients", {"name": "Amina", "village": "Kisumu"})(state)
    assert after["data"]["name"] == "Amina"
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 201
    after = adaptor.get("patients", query={"village": "Kisumu"})(state)
    assert [patient["name"] for patient in after["data"]["results"]] == ["Amina"]


def test_record_may_contain_functions_of_the_state(server, state):
    adaptor.create("patients", {"name": lambda state: state["data"], "village": "Kisumu"})(state)
    assert server.received[0].json["name"] == "before"


def test_refusal_with_status_200_is_an_error_and_is_logged(state, capsys):
    error = error_of(adaptor.create("patients", {"name": ""}), state)
    assert error.verdict == "remote"
    assert "name is missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (status(401), "remote"),
        (status(409), "remote"),
        (status(429, Retry_After="7"), "remote-for-now"),
        (status(503), "remote-for-now"),
        (truncated, "remote-for-now"),
        (html_page, "remote"),
        (redirect("/login"), "remote"),
    ],
    ids=["401", "409", "429", "503", "truncated", "page", "redirect"],
)
def test_every_http_failure_has_a_verdict(server, state, failure, verdict):
    server.failures.append(failure)
    error = error_of(adaptor.create("patients", {"name": "Amina"}), state)
    assert error.verdict == verdict
    assert len(server.received) == 1


def test_silent_server_may_respond_later(server, state):
    server.failures.append(server.silent)
    error = error_of(adaptor.get("patients", query={"village": "x"}, timeout=0.1), state)
    assert error.verdict == "remote-for-now"


@pytest.mark.parametrize("key", ["baseUrl", "token"])
def test_incomplete_credential_is_an_author_error(state, key):
    del state["configuration"][key]
    error = error_of(adaptor.get("patients"), state)
    assert isinstance(error, ConfigurationError)
    assert f"{key} is missing." in str(error)


def test_dry_run_sends_nothing_and_shows_no_secret(server, state):
    with dry_run() as requests:
        after = adaptor.create("patients", {"name": "Amina"})(state)
    assert (requests[0].method, requests[0].json) == ("POST", {"name": "Amina"})
    assert SECRET not in repr(requests)
    assert after["data"] == {"id": "dry-run"}
    assert server.received == []
