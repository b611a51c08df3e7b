"""Refresh tokens on one machine: new ones are written into the credential's file."""

from __future__ import annotations

import json

import pytest

from tests.adaptors.oauth2_server import OAuth2Server
from tests.support.wsgi_server import serve
from tests.workbench.conftest import GOOD
from workbench.credentials.token_file import TokenFile
from workbench.local import secret_files

CODE = """
from adaptors.http import get

get("things")
"""


@pytest.fixture
def oauth(project):
    server = OAuth2Server()
    yaml = GOOD.replace("trigger: form\n", "trigger: form\n    credential: remote\n")
    project.write("project.yaml", f"{yaml}credentials: {{remote: {{adaptor: http}}}}\n")
    project.write("jobs/go.py", CODE)
    with serve(server) as serving:
        keys = {"grant_type": "refresh_token", "client_id": "app"}
        keys |= {"tokenUrl": f"{serving.url}/token", "refresh_token": server.refresh_token}
        body = {"baseUrl": serving.url, "oauth2": keys}
        yield server, project.write("credentials/remote.json", json.dumps(body))


def test_new_refresh_token_of_a_trial_is_written_into_the_file(ofn, project, oauth):
    server, file = oauth
    post = project.write("post.json", "{}")
    for _ in range(2):
        ended = ofn("try", "go", post, "--project", project.folder)
        assert ended.status == 0
        assert "issued" not in ended.out + ended.err
    assert len(server.forms) == 1
    assert json.loads(file.read_text())["oauth2"]["refresh_token"] == server.refresh_token


def test_dry_run_of_a_trial_uses_no_refresh_token(ofn, project, oauth):
    server, file = oauth
    before = file.read_text()
    post = project.write("post.json", "{}")
    assert ofn("try", "go", post, "--dry-run", "--project", project.folder).status == 0
    assert (server.forms, file.read_text()) == ([], before)


def test_second_process_waits_for_the_tokens_of_the_first(oauth):
    _, path = oauth
    first, second = TokenFile(path), TokenFile(path)
    lease = {"action": "lease", "refused": ""}
    assert first.reply(lease)["holder"]
    assert second.reply(lease) == {"wait": True}
    tokens = {"refresh_token": "next", "access_token": "issued", "expires_at": None}
    first.reply({"action": "save", "tokens": tokens})
    assert second.reply(lease) == {"tokens": tokens}
    assert second.reply({"action": "lease", "refused": "issued"})["holder"]
    second.reply({"action": "release"})


def test_local_stack_writes_replaced_secrets_into_existing_files(project):
    file = project.write("credentials/api.json", "{}")
    for name in ("openfn/credentials/api", "openfn/credentials/other", "openfn/inboxes/api"):
        text = json.dumps({"secret": name})
        secret_files.write_back(file.parent, "openfn/credentials/", name, text)
    assert json.loads(file.read_text()) == {"secret": "openfn/credentials/api"}
    assert [path.name for path in file.parent.glob("*.json")] == ["api.json"]
