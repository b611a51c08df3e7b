"""A warm runner: what its later runs do not do again."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import pytest

from tests.adaptors.conftest import serving
from tests.conftest import hook_aws_call, post

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
def calls():
    """Collect the calls that the stack makes to AWS."""
    names = []
    with ExitStack() as context:
        for service in SERVICES:
            note = lambda model, **_: names.append(model.name)  # noqa: E731
            context.enter_context(hook_aws_call(f"before-parameter-build.{service}", note))
        yield names


@pytest.fixture
def destination():
    with serving() as running:
        yield running


@pytest.fixture
def warm(create_project_stack, destination):
    """A stack whose jobs have each run once."""
    stack = create_project_stack(PROJECT, posts=POSTS, rests=RESTS)
    stack.set_credential("registry", {"baseUrl": destination.url, "access_token": "s3cr3t"})
    for kind in ("posts", "rests"):
        _run(stack, kind)
    return stack


def _run(stack, kind):
    post(stack, f'{{"kind": "{kind}"}}')
    stack.drain()


def test_a_warm_run_that_posts_connects_to_nothing_again_and_asks_aws_for_no_more_than_any_other(
    warm, destination
):
    with calls() as of_nothing:
        _run(warm, "rests")
    with calls() as of_posting:
        _run(warm, "posts")
    assert of_posting == of_nothing
    assert "UpdateItem" in of_posting
    assert "GetSecretValue" not in of_posting
    assert len(destination.received) == 2
    assert len({received.client_port for received in destination.received}) == 1
