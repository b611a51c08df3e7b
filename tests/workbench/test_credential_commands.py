"""`ofn credential` sets secrets and lists their keys. It never shows a secret."""

from __future__ import annotations

import io
import json
import stat
import sys

import boto3
import pytest

from openfn.jobs.credentials import load_configuration
from openfn.storage import secrets
from tests.support.moto_stack import create_stack

SECRET = "s3cr3t-Zm9v"
BODY = {"hostUrl": "https://x.org", "password": SECRET}
OTHER = {"hostUrl": "https://y.org", "access_token": SECRET}
PROJECT = f"""
name: test
inboxes: {{inbox-a: {{id_sha256: "{"0" * 64}"}}}}
triggers: {{form: {{inclusion: {{form: visit}}}}}}
credentials:
  registry: {{adaptor: clinic}}
  other: {{adaptor: clinic}}
jobs: {{job-a: {{trigger: form, credential: registry, expression: jobs/a.py}}}}
"""
CODE = "from adaptors.common import fn\nfn(lambda state: state)\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A stack of another project."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "jobs").mkdir()
    (folder / "jobs/a.py").write_text(CODE, "utf-8")
    (folder / "project.yaml").write_text(PROJECT.replace("clinic", "http"), "utf-8")
    with create_stack(folder):
        yield


@pytest.fixture
def folder(stack, clinic, project):
    """The folder of a project whose stack has no secret."""
    project.write("project.yaml", PROJECT)
    project.write("jobs/a.py", CODE)
    yield project.folder
    client = boto3.client("secretsmanager")
    for secret in client.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


@pytest.fixture
def credential(ofn, folder):
    """Run `ofn credential` on that project and check that it never prints the secret."""

    def run(command, *arguments):
        ended = ofn("credential", command, *arguments, "--project", folder)
        assert SECRET not in ended.out + ended.err
        return ended

    return run


@pytest.fixture
def file(tmp_path):
    """Write a credential file."""

    def write(body=BODY):
        path = tmp_path / "credential.json"
        path.write_text(body if isinstance(body, str) else json.dumps(body), "utf-8")
        return path

    return write


def stored_credential(name="registry"):
    """Read a credential as a new runner does."""
    secrets.clear_cache()
    return load_configuration(name)


def test_credential_is_created_for_runs(credential, file):
    ended = credential("set", "registry", "--file", file())
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "openfn/credentials/registry created: hostUrl, password",
        "Runners that are already running use it within five minutes.",
    ]
    assert stored_credential() == BODY


def test_existing_secret_is_replaced_only_with_yes(credential, file):
    credential("set", "registry", "--file", file())
    refused = credential("set", "registry", "--file", file(OTHER))
    assert (refused.status, refused.out) == (1, "")
    assert "openfn/credentials/registry already exists. Add --yes to replace it." in refused.words
    assert stored_credential() == BODY
    ended = credential("set", "registry", "--file", file(OTHER), "--yes")
    assert ended.out.startswith("openfn/credentials/registry replaced: hostUrl, access_token\n")
    assert stored_credential() == OTHER


def test_same_credential_changes_nothing_and_asks_nothing(credential, file):
    credential("set", "registry", "--file", file())
    ended = credential("set", "registry", "--file", file())
    assert ended.out.startswith("openfn/credentials/registry unchanged: ")


def test_credential_is_read_from_standard_input(credential, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(BODY).encode())))
    ended = credential("set", "registry", "--file", "-", "--json")
    assert (ended.status, json.loads(ended.out)) == (
        0,
        {
            "credential": "registry",
            "kept": "openfn/credentials/registry",
            "done": "created",
            "keys": ["hostUrl", "password"],
            "notes": [],
        },
    )
    assert stored_credential() == BODY


def test_python_names_are_stored_as_openfn_names(credential, file):
    more = {"acess_token": "wxyz", "orgUnit": "DiszpKrY"}
    body = {"host_url": BODY["hostUrl"], "password": SECRET, **more}
    ended = credential("set", "registry", "--file", file(body))
    assert stored_credential() == {**BODY, **more}
    first, second = ended.out.splitlines()[2:]
    assert first.startswith("warning: The adaptor does not use the key `acess_token`")
    assert first.endswith("Did you mean `access_token`?")
    assert "orgUnit" in second
    assert "Did you mean" not in second


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {**BODY, "hostUrl": 7},
            "cannot use this as the credential registry: `hostUrl` must be text.",
        ),
        ({"hostUrl": SECRET}, "The credential needs password or access_token."),
        ({**BODY, "port": SECRET}, "`port` must be a whole number."),
        ({**BODY, "password": "abc"}, "`password` is a secret with fewer than 4 characters"),
        ({**BODY, "pin": 123}, "`pin` is a secret with fewer than 4 characters"),
        (f'"{SECRET}"', "credential.json is not a JSON object such as"),
        (f'{{"password": "{SECRET}"', "credential.json is not a JSON object such as"),
    ],
    ids=ascii,
)
def test_invalid_credential_is_an_error_and_not_stored(credential, file, body, text):
    ended = credential("set", "registry", "--file", file(body))
    assert (ended.status, ended.out) == (1, "")
    assert text in ended.words
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nope", "--file", "-"), "The project has no credential nope. It has: registry, other."),
        (("registry",), "not a terminal. Pass the credential as a file with --file FILE.json"),
        (("registry", "--file", "gone.json"), "gone.json cannot be read: No such file"),
        (("registry", "--file", "-", "--stack", "gone"), "There is no stack gone here."),
    ],
)
def test_unusable_argument_is_an_error(credential, arguments, text):
    ended = credential("set", *arguments)
    assert (ended.status, ended.out) == (1, "")
    assert text in ended.words


def test_secret_that_is_being_deleted_is_an_error_with_a_fix(credential, file):
    credential("set", "registry", "--file", file())
    boto3.client("secretsmanager").delete_secret(SecretId="openfn/credentials/registry")
    ended = credential("set", "registry", "--file", file(), "--yes")
    assert ended.status == 1
    assert "restore-secret --secret-id openfn/credentials/registry" in ended.words


def test_secret_without_a_usable_value_is_set(credential, file):
    client = boto3.client("secretsmanager")
    client.create_secret(Name="openfn/credentials/registry")
    assert "registry created" in credential("set", "registry", "--file", file()).out
    client.put_secret_value(SecretId="openfn/credentials/registry", SecretString=SECRET)
    ended = credential("set", "registry", "--file", file(), "--yes")
    assert "registry replaced" in ended.out
    assert stored_credential() == BODY


def test_list_shows_the_names_of_keys(credential, file):
    client = boto3.client("secretsmanager")
    credential("set", "registry", "--file", file())
    client.create_secret(Name="openfn/credentials/old", SecretString="{}")
    client.create_secret(Name="another/credentials/x", SecretString="{}")
    first, second, warning = credential("list").out.splitlines()
    assert first.startswith("registry clinic set hostUrl, password since 20")
    assert second == "other clinic missing"
    assert warning == (
        "warning: The project has no credential for the secret openfn/credentials/old."
    )


def test_json_list_shows_problems(credential):
    client = boto3.client("secretsmanager")
    body = json.dumps({"password": SECRET, "tls": {"ca": SECRET}})
    client.create_secret(Name="openfn/credentials/registry", SecretString=body)
    result = json.loads(credential("list", "--json").out)
    registry, other = result["credentials"]
    assert registry.pop("changed").startswith("20")
    assert registry == {
        "credential": "registry",
        "adaptor": "clinic",
        "set": True,
        "keys": ["password", "tls.ca"],
        "wrong": "`hostUrl` is missing. `tls.certFile` is missing.",
    }
    assert (other["set"], other["changed"], other["keys"]) == (False, None, [])
    assert result["unnamed"] == []


def test_local_credential_is_a_private_file_that_git_ignores(credential, file, folder):
    ended = credential("set", "registry", "--local", "--file", file())
    path = folder / "credentials/registry.json"
    assert ended.out == f"{path} created: hostUrl, password\n"
    assert json.loads(path.read_text("utf-8")) == BODY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (folder / "credentials/.gitignore").read_text("utf-8") == "*\n"
    assert list((folder / "credentials").glob("*.new")) == []
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []
    refused = credential("set", "registry", "--local", "--file", file(OTHER))
    assert "registry.json already exists. Add --yes to replace it." in refused.words


def test_secret_of_a_refresh_token_has_the_tag_that_the_runner_needs(credential, file, project):
    def tags():
        secret = boto3.client("secretsmanager").describe_secret(
            SecretId="openfn/credentials/registry"
        )
        return {tag["Key"]: tag["Value"] for tag in secret.get("Tags", [])}

    credential("set", "registry", "--file", file())
    assert tags() == {}
    allowed = PROJECT.replace(
        "registry: {adaptor: clinic}", "registry: {adaptor: clinic, refresh: true}"
    )
    project.write("project.yaml", allowed)
    credential("set", "registry", "--file", file(), "--yes")  # the same content
    assert tags() == {"openfn-refresh": "true"}
    project.write("project.yaml", PROJECT)
    credential("set", "registry", "--file", file({**BODY, "port": 7}), "--yes")
    assert tags() == {}
