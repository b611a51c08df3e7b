"""Adaptors with what the built layer holds of their libraries, and nothing else."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.adaptors.salesforce_server import salesforce
from tests.built.lambda_runtime import command

CREATE = """
import json, sys
from adaptors.salesforce import create
print(json.dumps(create("Contact", {"LastName": "Amina"})(json.loads(sys.argv[1]))["data"]))
"""


def executed(layout, *arguments):
    python, environment = command(layout("runner"), "-c", *arguments)
    return subprocess.run(python, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("way", ["user", "client"])
def test_salesforce_is_logged_in_to_and_written_to(layout, way):
    with salesforce() as there:
        state = there.state(credential=getattr(there, way))
        answer = executed(layout, CREATE, json.dumps(state))
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["success"] is True
    assert there.requests == ["POST /sobjects/Contact"]


def test_what_salesforces_library_brings_and_nothing_uses_is_left_out(layout):
    assert "No module named 'cryptography'" in executed(layout, "import cryptography").stderr
