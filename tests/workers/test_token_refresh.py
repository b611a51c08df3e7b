"""Refresh tokens that the server replaces: one run renews them, and the new ones are stored."""

from __future__ import annotations

import json
import threading

import pytest

from openfn import ids
from openfn.history import details
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import secrets, services
from openfn.storage.errors import CallRefused
from tests.adaptors.oauth2_server import OAuth2Server
from tests.conftest import LogLines, post, write_project
from tests.support.sqs import failed_ids, sqs_event
from tests.support.wsgi_server import serve
from workbench.local.stack import create_stack

PROJECT = """
triggers: {all: {inclusion: {}}}
credentials:
  api: {adaptor: http, refresh: true}
  fixed: {adaptor: http}
jobs:
  calls: {trigger: all, credential: api, expression: jobs/calls.py}
  dies: {trigger: all, credential: api, expression: jobs/dies.py}
  unstored: {trigger: all, credential: fixed, expression: jobs/calls.py}
"""
CALLS = """
from adaptors._http import oauth2
from adaptors.common import fn
from adaptors.http import get

def show(state):
    print("tokens", [token.value for token in oauth2._tokens.values()])
    return state

get("things")
fn(show)
"""

DIES = """
import os
from adaptors._http import token_requests
from adaptors.common import fn
from adaptors.http import get

def let_it_die(state):
    token_requests.fetch = lambda *_: os._exit(3)
    return state

fn(let_it_die)
get("things")
"""


class Services:
    """The services of a stack, of which some calls are refused."""

    def __init__(self, inner):
        self.inner, self.refused, self.calls = inner, [], []

    def call(self, service, operation, request):
        """Call an operation, or refuse it as often as it is in `refused`."""
        self.calls.append(operation)
        if operation in self.refused:
            self.refused.remove(operation)
            raise CallRefused("AccessDeniedException", "not allowed")
        return self.inner.call(service, operation, request)

    def prepare(self, service):
        """Prepare the calls of a service."""
        self.inner.prepare(service)


class ReadInBetween(Services):
    """The services of a stack; another run reads a secret each time before it is stored."""

    def call(self, service, operation, request):
        """Call an operation; the other run waits until the secret is stored."""
        if operation == "put_secret_value":
            reader = threading.Thread(target=secrets.read, args=(request["SecretId"],))
            reader.start()
            reader.join(0.1)
        return super().call(service, operation, request)


@pytest.fixture(scope="module")
def served():
    server = OAuth2Server()
    with serve(server) as serving:
        yield server, serving


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refresh")
    write_project(folder, PROJECT, {"calls": CALLS, "dies": DIES})
    with create_stack(folder, LogLines().record, workers=True) as stack:
        yield stack


@pytest.fixture
def oauth(served, stack, request):
    server, serving = served
    server.__init__()
    serving.received.clear()
    tokens = {
        "grant_type": "refresh_token",
        "tokenUrl": f"{serving.url}/token?test={request.node.name}",
        "client_id": "app",
        "refresh_token": server.refresh_token,
    }
    for name in ("api", "fixed"):
        stack.set_credential(name, {"baseUrl": serving.url, "oauth2": tokens})
    secrets.clear_cache()
    return server


def create(stack, job="calls"):
    message_id = post(stack, "{}")["headers"]["X-Message-Id"]
    runs.create([Plan(message_id, job, "all")], "version")
    return ids.run_id(message_id, job)


def execute(stack, *run_ids):
    assert failed_ids(stack.invoke("runner", sqs_event("run_id", *run_ids))) == []
    return [details.run(run_id) for run_id in run_ids]


def stored():
    return json.loads(
        services.call("secretsmanager", "get_secret_value", SecretId="openfn/credentials/api")[
            "SecretString"
        ]
    )["oauth2"]


def everything(record):
    return json.dumps([record.final, record.error, record.log], default=str)


def test_runs_at_the_same_time_refresh_once_and_store_the_new_token(stack, oauth):
    records = execute(stack, *(create(stack) for _ in range(3)))
    assert [(record.status, record.error) for record in records] == [("succeeded", None)] * 3
    assert [form["refresh_token"] for form in oauth.forms] == ["refresh-0-Zm9v"]
    assert stored()["refresh_token"] == "refresh-1-Zm9v"
    assert stored()["access_token"] in oauth.valid
    for record in records:
        assert "tokens ['***']" in record.log
        assert "issued" not in everything(record)


def test_run_that_reads_the_secret_does_not_disturb_the_one_that_stores_new_tokens(stack, oauth):
    with services.use(ReadInBetween(stack.services)):
        (record,) = execute(stack, create(stack))
    assert (record.status, record.error) == ("succeeded", None)
    assert stored()["refresh_token"] == oauth.refresh_token == "refresh-1-Zm9v"


def test_run_whose_worker_dies_while_it_refreshes_lets_no_other_wait(stack, oauth):
    (died,) = execute(stack, create(stack, "dies"))
    assert died.error["type"] == "Crashed"
    (record,) = execute(stack, create(stack))
    assert (record.status, record.error, oauth.refresh_token) == (
        "succeeded",
        None,
        "refresh-1-Zm9v",
    )
    assert record.duration_ms < 20_000


def test_refused_token_is_refreshed_with_the_new_refresh_token(stack, oauth):
    execute(stack, create(stack))
    oauth.valid = set()
    (record,) = execute(stack, create(stack))
    assert record.status == "succeeded"
    assert [form["refresh_token"] for form in oauth.forms] == ["refresh-0-Zm9v", "refresh-1-Zm9v"]
    assert stored()["refresh_token"] == "refresh-2-Zm9v"
    execute(stack, create(stack))
    assert len(oauth.forms) == 2


def test_new_token_that_cannot_be_stored_is_stored_by_the_next_run(stack, oauth):
    execute(stack, create(stack))
    oauth.valid = set()
    refusing = Services(stack.services)
    refusing.refused = ["put_secret_value"] * 3
    with services.use(refusing):
        (record,) = execute(stack, create(stack))
    assert record.status == "waiting"
    assert "could not be stored (AccessDeniedException)" in record.error["message"]
    assert "`ofn credential set api`" in record.error["message"]
    assert stored()["refresh_token"] == "refresh-1-Zm9v"
    (record,) = execute(stack, create(stack))
    assert record.status == "succeeded"
    assert stored()["refresh_token"] == "refresh-2-Zm9v"
    assert len(oauth.forms) == 2
    oauth.valid = set()  # the lease is free again
    assert execute(stack, create(stack))[0].status == "succeeded"


def test_credential_that_was_set_again_meanwhile_stays(stack, oauth):
    execute(stack, create(stack))
    oauth.valid = set()
    refusing = Services(stack.services)
    refusing.refused = ["put_secret_value"] * 3
    with services.use(refusing):
        execute(stack, create(stack))
    body = json.loads(
        services.call("secretsmanager", "get_secret_value", SecretId="openfn/credentials/api")[
            "SecretString"
        ]
    )
    body["oauth2"] |= {"refresh_token": "signed-in-again", "access_token": None}
    oauth.refresh_token = "signed-in-again"
    stack.set_credential("api", body)
    (record,) = execute(stack, create(stack))
    assert record.status == "succeeded"
    assert oauth.forms[-1]["refresh_token"] == "signed-in-again"
    assert stored()["refresh_token"] == oauth.refresh_token


def test_token_is_not_refreshed_if_the_new_one_could_not_be_stored(stack, oauth):
    refusing = Services(stack.services)
    refusing.refused = ["put_secret_value"]
    with services.use(refusing):
        (record,) = execute(stack, create(stack))
    assert record.status == "waiting"
    assert "may write the secret" in record.error["message"]
    assert oauth.forms == []
    assert execute(stack, create(stack))[0].status == "succeeded"


def test_credential_without_refresh_is_an_author_error(stack, oauth):
    (record,) = execute(stack, create(stack, "unstored"))
    assert (record.status, record.error["verdict"]) == ("failed", "author")
    assert "Write `refresh: true` below fixed in project.yaml" in record.error["message"]
    assert oauth.forms == []


def test_refresh_token_that_is_not_valid_any_more_says_what_to_do(stack, oauth):
    oauth.refresh_token = "another"
    (record,) = execute(stack, create(stack))
    assert record.error["verdict"] == "remote"
    assert "Sign in again, and set the new one" in record.error["message"]
    oauth.refresh_token = "refresh-0-Zm9v"  # the lease was given back
    assert execute(stack, create(stack))[0].status == "succeeded"
