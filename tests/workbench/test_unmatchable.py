"""Messages that the matcher could not match, in the commands."""

from __future__ import annotations

import json

from tests.conftest import post, write_project
from tests.monitoring.traffic import JOBS, PROJECT, body_of_kind, queue_unmatchable_message
from workbench.local.stack import create_stack


def test_unmatchable_message_is_listed(ofn, tmp_path):
    write_project(tmp_path, PROJECT, JOBS)
    with create_stack(tmp_path) as stack:
        post(stack, body_of_kind("good"))
        unmatchable = queue_unmatchable_message(stack)
        ended = ofn("messages", "--state", "unmatchable", "--project", tmp_path, "--json")
    assert [row["id"] for row in json.loads(ended.out)] == [unmatchable]
