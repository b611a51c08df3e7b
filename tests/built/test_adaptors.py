"""Adaptors with what the built layer holds of their libraries, and nothing else."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.adaptors import salesforce_server
from tests.built.lambda_runtime import command

CREATE = """
import json, sys
from adaptors.salesforce import create
print(json.dumps(create("Contact", {"LastName": "Amina"})(json.loads(sys.argv[1]))["data"]))
"""


def executed(layout, *arguments):
    python, environment = command(layout("runner"), "-c", *arguments)
    return subprocess.run(python, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("method", ["user", "client"])
def test_salesforce_accepts_a_login_and_a_record(layout, method):
    with salesforce_server.running() as salesforce:
        state = salesforce.state(credential=getattr(salesforce, method))
        answer = executed(layout, CREATE, json.dumps(state))
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["success"] is True
    assert salesforce.requests == ["POST /sobjects/Contact"]


def test_unused_dependencies_of_simple_salesforce_are_left_out(layout):
    assert "No module named 'cryptography'" in executed(layout, "import cryptography").stderr
