"""`ofn credential`: secrets are set from files, listed by the names of their keys, never shown."""

from __future__ import annotations

import io
import json
import stat
import sys

import boto3
import pytest

from openfn.jobs.credentials import configuration
from openfn.storage import secrets
from workbench.local.stack import created

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
    """A stack, whose project is none of the tests'."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "jobs").mkdir()
    (folder / "jobs/a.py").write_text(CODE, "utf-8")
    (folder / "project.yaml").write_text(PROJECT.replace("clinic", "http"), "utf-8")
    with created(folder):
        yield


@pytest.fixture
def folder(stack, clinic, project):
    """The folder of a project whose stack has no secret yet."""
    project.write("project.yaml", PROJECT)
    project.write("jobs/a.py", CODE)
    yield project.folder
    client = boto3.client("secretsmanager")
    for secret in client.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


@pytest.fixture
def credential(ofn, folder):
    """Run `ofn credential` on that project; what it says never holds the secret."""

    def run(command, *arguments):
        ended = ofn("credential", command, *arguments, "--project", folder)
        assert SECRET not in ended.out + ended.err
        return ended

    return run


@pytest.fixture
def file(tmp_path):
    """Write a credential's file."""

    def write(body=BODY):
        path = tmp_path / "given.json"
        path.write_text(body if isinstance(body, str) else json.dumps(body), "utf-8")
        return path

    return write


def kept(name="registry"):
    """Give a secret as a runner reads it afresh."""
    secrets.clear_cache()
    return configuration(name)


def test_a_credential_is_created_and_a_run_is_handed_it(credential, file):
    ended = credential("set", "registry", "--file", file())
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "openfn/credentials/registry created: hostUrl, password",
        "A warm runner reads it again within five minutes.",
    ]
    assert kept() == BODY


def test_a_secret_that_is_there_is_replaced_only_if_that_is_said(credential, file):
    credential("set", "registry", "--file", file())
    refused = credential("set", "registry", "--file", file(OTHER))
    assert (refused.status, refused.out) == (1, "")
    assert "openfn/credentials/registry is there already: --yes replaces it" in refused.words
    assert kept() == BODY
    ended = credential("set", "registry", "--file", file(OTHER), "--yes")
    assert ended.out.startswith("openfn/credentials/registry replaced: hostUrl, access_token\n")
    assert kept() == OTHER


def test_the_same_again_changes_nothing_and_asks_nothing(credential, file):
    credential("set", "registry", "--file", file())
    ended = credential("set", "registry", "--file", file())
    assert ended.out.startswith("openfn/credentials/registry unchanged: ")


def test_standard_input_is_a_file_too(credential, monkeypatch):
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
    assert kept() == BODY


def test_python_s_names_are_kept_as_openfns_and_unknown_keys_as_they_are(credential, file):
    more = {"acess_token": "x", "orgUnit": "DiszpKrY"}
    body = {"host_url": BODY["hostUrl"], "password": SECRET, **more}
    ended = credential("set", "registry", "--file", file(body))
    assert kept() == {**BODY, **more}
    first, second = ended.out.splitlines()[2:]
    assert first.startswith("note: `acess_token` is no key of this adaptor, and kept")
    assert first.endswith("did you mean `access_token`?")
    assert "orgUnit" in second
    assert "did you mean" not in second


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**BODY, "hostUrl": 7}, "not fit the adaptor clinic: hostUrl: Input should be a valid"),
        ({"hostUrl": SECRET}, "the credential needs password or access_token"),
        ({**BODY, "port": SECRET}, "port: Input should be a valid integer"),
        (f'"{SECRET}"', "given.json is not a JSON object such as"),
        (f'{{"password": "{SECRET}"', "given.json is not a JSON object such as"),
    ],
    ids=ascii,
)
def test_what_does_not_fit_is_said_and_not_kept(credential, file, body, words):
    ended = credential("set", "registry", "--file", file(body))
    assert (ended.status, ended.out) == (1, "")
    assert words in ended.words
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nope", "--file", "-"), "The project has no credential nope. It has: registry, other."),
        (("registry",), "no terminal: give the credential as a file (--file FILE.json)"),
        (("registry", "--file", "gone.json"), "gone.json cannot be read: No such file"),
        (("registry", "--file", "-", "--stack", "gone"), "there is no stack gone of ours"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(credential, arguments, words):
    ended = credential("set", *arguments)
    assert (ended.status, ended.out) == (1, "")
    assert words in ended.words


def test_a_secret_that_is_being_deleted_is_said_to_be_so(credential, file):
    credential("set", "registry", "--file", file())
    boto3.client("secretsmanager").delete_secret(SecretId="openfn/credentials/registry")
    ended = credential("set", "registry", "--file", file(), "--yes")
    assert ended.status == 1
    assert "restore-secret --secret-id openfn/credentials/registry" in ended.words


def test_a_secret_without_a_value_or_with_one_that_is_no_object_is_set(credential, file):
    client = boto3.client("secretsmanager")
    client.create_secret(Name="openfn/credentials/registry")
    assert "registry created" in credential("set", "registry", "--file", file()).out
    client.put_secret_value(SecretId="openfn/credentials/registry", SecretString=SECRET)
    ended = credential("set", "registry", "--file", file(), "--yes")
    assert "registry replaced" in ended.out
    assert kept() == BODY


def test_credentials_are_listed_with_the_names_of_their_keys(credential, file):
    client = boto3.client("secretsmanager")
    credential("set", "registry", "--file", file())
    client.create_secret(Name="openfn/credentials/old", SecretString="{}")
    client.create_secret(Name="another/credentials/x", SecretString="{}")
    first, second, note = credential("list").out.splitlines()
    assert first.startswith("registry clinic set hostUrl, password since 20")
    assert second == "other clinic missing"
    assert note == "note: no credential names openfn/credentials/old"


def test_credentials_are_listed_for_a_machine_with_what_is_wrong(credential):
    client = boto3.client("secretsmanager")
    body = json.dumps({"password": SECRET, "tls": {"ca": SECRET}})
    client.create_secret(Name="openfn/credentials/registry", SecretString=body)
    told = json.loads(credential("list", "--json").out)
    registry, other = told["credentials"]
    assert registry.pop("changed").startswith("20")
    assert registry == {
        "credential": "registry",
        "adaptor": "clinic",
        "set": True,
        "keys": ["password", "tls.ca"],
        "wrong": "hostUrl is missing. tls.certFile is missing.",
    }
    assert (other["set"], other["changed"], other["keys"]) == (False, None, [])
    assert told["unnamed"] == []


def test_a_local_credential_is_a_file_for_its_owner_that_git_ignores(credential, file, folder):
    ended = credential("set", "registry", "--local", "--file", file())
    path = folder / "credentials/registry.json"
    assert ended.out == f"{path} created: hostUrl, password\n"
    assert json.loads(path.read_text("utf-8")) == BODY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (folder / "credentials/.gitignore").read_text("utf-8") == "*\n"
    assert list((folder / "credentials").glob("*.new")) == []
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []
    refused = credential("set", "registry", "--local", "--file", file(OTHER))
    assert "registry.json is there already: --yes replaces it" in refused.words
