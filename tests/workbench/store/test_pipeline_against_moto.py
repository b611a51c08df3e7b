"""The calls of the pipeline have the same results in the local store and in moto."""

from __future__ import annotations

import json

import pytest

from openfn import ids
from openfn.history import details
from openfn.storage import services
from tests.conftest import post, tick, write_project
from tests.support import compared_services
from workbench.local.stack import create_stack

_PROJECT = """
inboxes:
  plain: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000001", dedupe: id}
  ordered: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000002"}
triggers:
  all: {inbox: plain, inclusion: {}}
  in-order: {inbox: ordered, inclusion: {}, order_by: case}
  after: {success: copy}
  on-failure: {failure: fail}
jobs:
  copy: {trigger: all, expression: jobs/copy.py}
  fail: {trigger: in-order, expression: jobs/fail.py}
  report: {trigger: after, expression: jobs/copy.py}
  mourn: {trigger: on-failure, expression: jobs/copy.py}
"""
_COPY = """
from adaptors.common import fn

fn(lambda state: state)
"""
_FAIL = """
from adaptors.common import fn

fn(lambda state: {**state, "x": 1 / state["data"]["number"]})
"""


@pytest.fixture
def compared(tmp_path):
    """A stack whose every call goes to both stores."""
    write_project(tmp_path, _PROJECT, {"copy": _COPY, "fail": _FAIL})
    with create_stack(tmp_path, create_resources=compared_services.create) as stack:
        yield stack


def test_every_call_of_the_pipeline_has_the_result_of_moto(compared):
    bodies = [{"id": 1}, {"id": 1}, {"id": 2, "text": "x" * 400_000}, {"id": None}]
    for body in bodies:
        post(compared, json.dumps(body), "plain")
    post(compared, "{", "plain")
    for number in (1, 0, 2, 0):
        post(compared, json.dumps({"case": "a", "number": number}), "ordered")
    compared.drain()
    tick(compared, "2026-11-20T12:00:00Z")
    compared.drain()
    assert services.current().calls > 50


def test_difference_from_moto_is_an_error(compared):
    message_id = post(compared, '{"id": 1}', "plain")["headers"]["X-Message-Id"]
    details.message(message_id)
    table = compared.services.table
    table.delete_item(TableName=table.name, Key=_key(message_id))
    with pytest.raises(AssertionError, match="but in moto"):
        details.message(message_id)


def _key(message_id):
    return {name: {"S": part} for name, part in ids.key_of(message_id).items()}
