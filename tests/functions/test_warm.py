"""A warm runner: connections and secrets that later runs reuse."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import pytest

from tests.adaptors.conftest import serve_destination
from tests.conftest import post
from tests.support.call_hooks import hook_aws_call

SERVICES = ("dynamodb", "sqs", "s3", "secretsmanager")
PROJECT = """
triggers:
  posts: {inclusion: {kind: posts}}
  rests: {inclusion: {kind: rests}}
credentials:
  registry: {adaptor: http}
jobs:
  posts: {trigger: posts, credential: registry, expression: jobs/posts.py}
  rests: {trigger: rests, credential: registry, expression: jobs/rests.py}
"""
POSTS = """
from adaptors.common import data_value
from adaptors.http import post
post("visits", {"kind": data_value("kind")}, idempotency_key=True)
"""
RESTS = """
from adaptors.common import fn
fn(lambda state: state)
"""


@contextmanager
def record_aws_calls():
    """Record the names of the AWS calls of the stack."""
    names = []
    with ExitStack() as context:
        for service in SERVICES:
            record = lambda model, **_: names.append(model.name)  # noqa: E731
            context.enter_context(hook_aws_call(f"before-parameter-build.{service}", record))
        yield names


@pytest.fixture
def destination():
    with serve_destination() as server:
        yield server


@pytest.fixture
def warm_stack(create_project_stack, destination):
    """A stack whose two jobs have run once."""
    stack = create_project_stack(PROJECT, posts=POSTS, rests=RESTS)
    stack.set_credential("registry", {"baseUrl": destination.url, "access_token": "s3cr3t"})
    for kind in ("posts", "rests"):
        _run(stack, kind)
    return stack


def _run(stack, kind):
    post(stack, f'{{"kind": "{kind}"}}')
    stack.drain()


def test_warm_run_reuses_its_connection_and_reads_no_secret(warm_stack, destination):
    with record_aws_calls() as calls_without_post:
        _run(warm_stack, "rests")
    with record_aws_calls() as calls_with_post:
        _run(warm_stack, "posts")
    assert calls_with_post == calls_without_post
    assert "UpdateItem" in calls_with_post
    assert "GetSecretValue" not in calls_with_post
    assert len(destination.received) == 2
    assert len({received.client_port for received in destination.received}) == 1
