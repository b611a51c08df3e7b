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
            "The adaptor clinic cannot use the credential registry: `hostUrl` is missing. Write",
        ),
        ({**VALID, "port": SECRET}, "`port` must be a whole number."),
        ({**VALID, "password": "abc"}, "`password` is a secret with fewer than 4 characters"),
        ({**VALID, "pin": 123}, "`pin` is a secret with fewer than 4 characters"),
        ({**VALID, "orgUnit": "x"}, "Neither the adaptor clinic nor a job reads the key `orgUnit`"),
        ({**VALID, "hostUrl": "x.org/api"}, "`hostUrl` has no scheme. Write https://"),
        ({**VALID, "acces_token": SECRET}, "Did you mean `access_token`?"),
        ({**VALID, "hostUrl": "http://dhis2.x.org"}, "`hostUrl` begins with http://"),
        ({**VALID, "ssl": False}, "others on the network can read and change the data"),
        ({**VALID, "allowSelfSignedCert": True}, "The server is not verified"),
        (SECRET, "is not a JSON object. Write it with `ofn credential set registry --local`."),
    ],
    ids=str,
)
def test_invalid_credential_has_a_warning_with_its_file(warnings, content, text):
    lines = warnings(content)
    assert {line.partition(":1: ")[0] for line in lines} == {"warning: credentials/registry.json"}
    assert any(text in line for line in lines)


def test_key_that_a_job_reads_has_no_warning(warnings, project):
    code = "from adaptors.common import fn\nfn(lambda s: s['configuration']['orgUnit'])\n"
    project.write("jobs/go.py", code)
    project.change("    trigger: form\n", "    trigger: form\n    credential: registry\n")
    yaml = (project.folder / "project.yaml").read_text()
    project.write("project.yaml", f"{yaml}credentials: {{registry: {{adaptor: clinic}}}}\n")
    assert warnings({**VALID, "orgUnit": "x"}) == []


def test_unknown_key_of_an_http_credential_is_a_problem(ofn, project):
    yaml = f"{GOOD}credentials: {{api: {{adaptor: http}}}}\n".replace(
        "    trigger: form\n", "    trigger: form\n    credential: api\n"
    )
    project.write("project.yaml", yaml)
    body = {"baseUrl": "https://x.org", "acces_token": SECRET}
    project.write("credentials/api.json", json.dumps(body))
    ended = ofn("check", "--project", project.folder)
    assert ended.status == 1
    text = "credentials/api.json:1: There is no key acces_token. Did you mean access_token?"
    assert text in ended.err
    assert SECRET not in ended.err
    code = "from adaptors.common import fn\nfn(lambda s: s['configuration']['acces_token'])\n"
    project.write("jobs/go.py", code)  # a key that a job reads is the job's own
    assert ofn("check", "--project", project.folder).status == 0


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "registri.json",
            "The project has no credential registri, so nothing reads this file. Did",
        ),
        ("inboxes/kobo.json", "The project has no login of an inbox kobo, so nothing reads this"),
    ],
)
def test_credential_file_without_a_credential_has_a_warning(warnings, project, file, text):
    project.write(f"credentials/{file}", "{}")
    (warning,) = warnings(VALID)
    assert warning.startswith(f"warning: credentials/{file}:1: {text}")


def test_project_without_credential_files_has_no_warnings(ofn, project, clinic):
    project.write("project.yaml", f"{GOOD}credentials: {{registry: {{adaptor: clinic}}}}\n")
    result = json.loads(ofn("check", "--project", project.folder, "--json").out)
    assert result["notes"] == []
