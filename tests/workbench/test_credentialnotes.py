"""`ofn check` notes a credential in a file that its adaptor would not take."""

from __future__ import annotations

import json

import pytest

from tests.workbench.conftest import GOOD

SECRET = "s3cr3t-Zm9v"
GIVEN = {"hostUrl": "https://x.org", "password": SECRET}


@pytest.fixture
def noted(ofn, project, clinic):
    """Check a project whose credential has this in its file."""
    project.write("project.yaml", f"{GOOD}credentials: {{registry: {{adaptor: clinic}}}}\n")

    def run(content):
        text = content if isinstance(content, str) else json.dumps(content)
        project.write("credentials/registry.json", text)
        ended = ofn("check", "--project", project.folder)
        assert (ended.status, ended.err) == (0, "")
        assert SECRET not in ended.out
        return ended.out.splitlines()[:-1]

    return run


@pytest.mark.parametrize("content", [GIVEN, {**GIVEN, "orgUnit": "x"}, {**GIVEN, "tls": None}])
def test_a_credential_that_fits_has_no_note(noted, content):
    assert noted(content) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"password": SECRET}, "does not fit the adaptor clinic: hostUrl is missing.; `ofn"),
        ({**GIVEN, "port": SECRET}, "port: Input should be a valid integer"),
        ({**GIVEN, "acces_token": SECRET}, "did you mean `access_token`?"),
        (SECRET, "it is not a JSON object; `ofn credential set registry --local` writes one"),
    ],
    ids=str,
)
def test_one_that_does_not_is_noted_with_its_file(noted, content, words):
    (note,) = noted(content)
    assert note.startswith("note: credentials/registry.json:1: ")
    assert words in note


def test_a_project_without_files_has_no_notes(ofn, project, clinic):
    project.write("project.yaml", f"{GOOD}credentials: {{registry: {{adaptor: clinic}}}}\n")
    told = json.loads(ofn("check", "--project", project.folder, "--json").out)
    assert told["notes"] == []
