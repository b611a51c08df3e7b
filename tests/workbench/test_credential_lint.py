"""`ofn check` warns about a credential file that its adaptor cannot use."""

from __future__ import annotations

import json

import pytest

from tests.workbench.conftest import GOOD

SECRET = "s3cr3t-Zm9v"
VALID = {"hostUrl": "https://x.org", "password": SECRET}


@pytest.fixture
def warnings(ofn, project, clinic):
    """Return the warnings for a project with this content in its credential file."""
    project.write("project.yaml", f"{GOOD}credentials: {{registry: {{adaptor: clinic}}}}\n")

    def warnings(content):
        text = content if isinstance(content, str) else json.dumps(content)
        project.write("credentials/registry.json", text)
        ended = ofn("check", "--project", project.folder)
        assert (ended.status, ended.err) == (0, "")
        assert SECRET not in ended.out
        return ended.out.splitlines()[:-1]

    return warnings


@pytest.mark.parametrize(
    "content",
    [
        VALID,
        {**VALID, "orgUnit": "x"},
        {**VALID, "tls": None},
        {**VALID, "hostUrl": "http://localhost:8080/dhis"},
    ],
)
def test_valid_credential_has_no_warning(warnings, content):
    assert warnings(content) == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            {"password": SECRET},
            "The adaptor clinic cannot use this credential: `hostUrl` is missing. Write",
        ),
        ({**VALID, "port": SECRET}, "`port` must be a whole number."),
        ({**VALID, "password": "abc"}, "`password` is a secret with fewer than 4 characters"),
        ({**VALID, "pin": 123}, "`pin` is a secret with fewer than 4 characters"),
        ({**VALID, "acces_token": SECRET}, "Did you mean `access_token`?"),
        ({**VALID, "hostUrl": "http://dhis2.x.org"}, "`hostUrl` begins with http://"),
        ({**VALID, "ssl": False}, "others on the network can read and change the data"),
        ({**VALID, "allowSelfSignedCert": True}, "The server is not verified"),
        (SECRET, "is not a JSON object. Write it with `ofn credential set registry --local`."),
    ],
    ids=str,
)
def test_invalid_credential_has_a_warning_with_its_file(warnings, content, text):
    (warning,) = warnings(content)
    assert warning.startswith("warning: credentials/registry.json:1: ")
    assert text in warning


def test_project_without_credential_files_has_no_warnings(ofn, project, clinic):
    project.write("project.yaml", f"{GOOD}credentials: {{registry: {{adaptor: clinic}}}}\n")
    result = json.loads(ofn("check", "--project", project.folder, "--json").out)
    assert result["notes"] == []
