"""Skeleton, against a small server that answers as the real one does."""

from __future__ import annotations

import pytest
from flask import Flask, request

from adaptors import skeleton as adaptor
from adaptors.sdk import AdaptorError, ConfigurationError, dry_run
from tests.adaptors.serving import html_page, redirect, served, status, truncated

SECRET = "s3cr3t-Zm9v"


def application():
    """Make the part of the API that the adaptor needs."""
    app = Flask(__name__)
    patients = []

    @app.before_request
    def is_known():
        if request.headers.get("Authorization") != f"Token {SECRET}":
            return {"error": "who are you?"}, 401
        return None

    @app.get("/api/patients")
    def found():
        return {
            "results": [each for each in patients if each["village"] == request.args["village"]]
        }

    @app.post("/api/patients")
    def created():
        if request.json.get("name") == "":
            return {"error": "a name is needed"}, 200
        patients.append({"id": len(patients) + 1, **request.json})
        return patients[-1], 201

    return app


@pytest.fixture(scope="module")
def server():
    with served(application()) as running:
        yield running


@pytest.fixture
def state(server):
    """Give the state of a job whose credential leads to the server."""
    server.received.clear()
    server.troubles.clear()
    return {"configuration": {"baseUrl": f"{server.url}/api", "token": SECRET}, "data": "before"}


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    assert SECRET not in str(caught.value)
    return caught.value


def test_what_is_created_can_be_fetched(state):
    after = adaptor.create("patients", {"name": "Amina", "village": "Kisumu"})(state)
    assert after["data"]["name"] == "Amina"
    assert after["references"] == ["before"]
    found = adaptor.get("patients", query={"village": "Kisumu"})(state)
    assert [each["name"] for each in found["data"]["results"]] == ["Amina"]


def test_values_of_the_state_may_stand_in_a_record(server, state):
    adaptor.create("patients", {"name": lambda state: state["data"], "village": "Kisumu"})(state)
    assert server.received[0].json["name"] == "before"


def test_a_refusal_within_a_200_is_an_error_and_its_words_are_printed(state, capsys):
    error = error_of(adaptor.create("patients", {"name": ""}), state)
    assert error.verdict == "remote"
    assert "a name is needed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("trouble", "verdict"),
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
def test_trouble_is_judged(server, state, trouble, verdict):
    server.troubles.append(trouble)
    error = error_of(adaptor.create("patients", {"name": "Amina"}), state)
    assert error.verdict == verdict
    assert len(server.received) == 1


def test_silence_may_end_later(server, state):
    server.troubles.append(server.silent)
    error = error_of(adaptor.get("patients", query={"village": "x"}, timeout=0.1), state)
    assert error.verdict == "remote-for-now"


@pytest.mark.parametrize("key", ["baseUrl", "token"])
def test_a_credential_that_lacks_something_is_said_to(state, key):
    del state["configuration"][key]
    error = error_of(adaptor.get("patients"), state)
    assert isinstance(error, ConfigurationError)
    assert f"{key} is missing." in str(error)


def test_a_dry_run_shows_the_request_without_its_secret_and_sends_nothing(server, state):
    with dry_run() as seen:
        after = adaptor.create("patients", {"name": "Amina"})(state)
    assert (seen[0].method, seen[0].json) == ("POST", {"name": "Amina"})
    assert SECRET not in repr(seen)
    assert after["data"] == {"id": "dry-run"}
    assert server.received == []
