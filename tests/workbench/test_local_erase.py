"""`ofn erase` on the stack of one machine, where nobody has an AWS identity."""

from __future__ import annotations

import json

from openfn import ids
from openfn.storage import table
from tests.conftest import post


def test_message_is_erased_by_local(ofn, create_job_stack, tmp_path):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    message_id = post(stack, '{"name": "Amina"}')["headers"]["X-Message-Id"]
    stack.drain()
    ended = ofn("erase", message_id, "--yes", "--project", tmp_path, "--json")
    assert (ended.status, json.loads(ended.out)["erased"]) == (0, [message_id])
    [message] = table.get([ids.key_of(message_id)])
    assert (message["erased_by"], "Amina" in str(message)) == ("local", False)
