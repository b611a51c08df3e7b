"""The adaptors run with only the libraries of the built layer."""

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


def run_python(install_function, *arguments):
    python, environment = command(install_function("runner"), "-c", *arguments)
    return subprocess.run(python, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("method", ["user", "client"])
def test_salesforce_accepts_a_login_and_a_record(install_function, method):
    with salesforce_server.running() as salesforce:
        state = salesforce.state(credential=getattr(salesforce, method))
        process = run_python(install_function, CREATE, json.dumps(state))
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["success"] is True
    assert salesforce.requests == ["POST /sobjects/Contact"]


def test_unused_dependencies_of_simple_salesforce_are_left_out(install_function):
    process = run_python(install_function, "import cryptography")
    assert "No module named 'cryptography'" in process.stderr
