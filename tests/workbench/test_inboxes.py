"""Options of inboxes in project.yaml, and `ofn inbox`."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
from typer.testing import CliRunner

from openfn.project.compiled import load
from tests.conftest import ROOT
from workbench.cli.main import app
from workbench.errors import CommandError
from workbench.project.compiler import check, compile_project
from workbench.project.yaml_source import ProjectProblems


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "project", tmp_path / "project")
    return tmp_path / "project"


def _with_options(project, text):
    path = project / "project.yaml"
    lines = path.read_text("utf-8").splitlines()
    position = next(n for n, line in enumerate(lines) if line.startswith("  field-data:"))
    digest = lines[position].split(": ")[-1].rstrip("}")
    lines[position] = f"  field-data:\n    id_sha256: {digest}\n    {text}"
    path.write_text("\n".join(lines), "utf-8")
    return project


def _ofn(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("auth: basic", "Write one of"),
        ("auth: [{}]", "Write one of basic, bearer, api_key, hmac, stripe"),
        ("auth: [{basic: a, bearer: b}]", "Write one of"),
        ("auth: [{digest: a}]", "Write one of"),
        ("auth: [{hmac: a}]", "header"),
        ("auth: [{hmac: a, header: X-Sig, algorithm: md5}]", "Write sha1, sha256 or sha512."),
        ("auth: [{basic: a, header: X-Key}]", "Remove this key."),
        ("auth: [{api_key: a, algorithm: sha1}]", "Only hmac"),
        ("auth: [{stripe: a, algorithm: sha1}]", "Only hmac"),
        ("auth: [{api_key: a, header: 'X Key: 1'}]", "Write the name of a header"),
        ("auth: [{basic: 'two words'}]", "letters"),
        ("dedupe: ''", "path of one value"),
        ("dedupe: 'visits[*].id'", "path of one value"),
        ("dedupe: 'a..b'", "is not valid"),
        ("dedupe: 7", "path of one value"),
        ("max_bytes: 0", "Write a number greater than 0."),
        ("max_bytes: 7000000", "Write 6000000 or less."),
        ("max_bytes: many", "Write a whole number."),
        ("keep: some", "Write all or none."),
        (
            "auth: [{basic: a, realm: b}]",
            "The keys are: basic, bearer, api_key, hmac, stripe, header",
        ),
    ],
)
def test_invalid_option_of_an_inbox_is_reported_on_its_line(project, option, text):
    with pytest.raises(ProjectProblems) as raised:
        check(_with_options(project, option))
    (problem, *_) = raised.value.problems
    assert problem.line == 8
    assert text in str(problem)


def test_compiled_project_has_the_options_of_an_inbox(project, tmp_path):
    text = (
        "auth: [{basic: login}, {hmac: key, header: X-Hub-Signature, algorithm: sha1}]\n"
        "    dedupe: data[0].*meta-instance-id*\n    max_bytes: 1000"
    )
    compile_project(_with_options(project, text), tmp_path / "compiled")
    inboxes = {inbox.name: inbox for inbox in load(tmp_path / "compiled").inboxes.values()}
    inbox = inboxes["field-data"]
    assert [(a.scheme, a.secret, a.header, a.algorithm) for a in inbox.auth] == [
        ("basic", "login", "authorization", "sha256"),
        ("hmac", "key", "x-hub-signature", "sha1"),
    ]
    assert inbox.dedupe == ("data", 0, "*meta-instance-id*")
    assert inbox.max_bytes == 1000
    assert inboxes["commcare"].auth == ()


@pytest.mark.parametrize(
    ("option", "scheme", "header"),
    [
        ("auth: {stripe: key}", "stripe", "stripe-signature"),
        ("auth: {stripe: key, header: Calendly-Webhook-Signature}", "stripe", None),
        ("auth: {hmac: key, header: Stripe-Signature}", "stripe", "stripe-signature"),
        ("auth: {hmac: key, header: X-Signature}", "hmac", "x-signature"),
    ],
)
def test_a_signature_has_one_scheme(project, tmp_path, option, scheme, header):
    compile_project(_with_options(project, option), tmp_path / "compiled")
    inboxes = {inbox.name: inbox for inbox in load(tmp_path / "compiled").inboxes.values()}
    (auth,) = inboxes["field-data"].auth
    assert (auth.scheme, auth.header) == (scheme, header or "calendly-webhook-signature")


def test_new_inbox_prints_its_url_and_stores_only_the_hash(project):
    before = (project / "project.yaml").read_text("utf-8")
    result = _ofn(
        "inbox", "add", "clinic", "--url", "https://a.example/inbox/", "--project", project
    )
    assert result.exit_code == 0
    url = result.stdout.split()[0]
    inbox_id = url.removeprefix("https://a.example/inbox/")
    after = (project / "project.yaml").read_text("utf-8")
    assert inbox_id not in after
    assert check(project).inboxes["clinic"].id_sha256 == [
        hashlib.sha256(inbox_id.encode()).hexdigest()
    ]
    assert set(before.splitlines()) <= set(after.splitlines())  # comments and all


def test_both_ids_are_valid_after_rotation(project, tmp_path):
    (old,) = check(project).inboxes["commcare"].id_sha256
    result = _ofn("inbox", "rotate", "commcare", "--json", "--project", project)
    new_id = json.loads(result.stdout)["id"]
    assert check(project).inboxes["commcare"].id_sha256[0] == old
    compile_project(project, tmp_path / "compiled")
    assert load(tmp_path / "compiled").inbox_by_id(new_id).name == "commcare"
    again = _ofn("inbox", "rotate", "commcare", "--project", project)
    assert isinstance(again.exception, CommandError)
    assert "--finish" in str(again.exception)
    assert _ofn("inbox", "rotate", "commcare", "--finish", "--project", project).exit_code == 0
    (digest,) = check(project).inboxes["commcare"].id_sha256
    assert digest == hashlib.sha256(new_id.encode()).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("add", "commcare"), "already"), (("rotate", "nowhere"), "It has: field-data, commcare.")],
)
def test_existing_or_unknown_inbox_is_an_error(project, arguments, text):
    result = _ofn("inbox", *arguments, "--project", project)
    assert isinstance(result.exception, CommandError)
    assert text in str(result.exception)


def test_list_shows_the_authentication_of_inboxes(project):
    _with_options(project, "auth: [{basic: login}]\n    dedupe: _uuid")
    result = _ofn("inbox", "list", "--project", project)
    assert result.exit_code == 0
    assert "basic" in result.stdout
    assert "_uuid" in result.stdout
    rows = json.loads(_ofn("inbox", "list", "--json", "--project", project).stdout)
    assert rows == [{"inbox": "field-data", "ids": 1}, {"inbox": "commcare", "ids": 1}]


@pytest.mark.parametrize("name", ["my clinic", "a: b", "-x", "", "x" * 65])
def test_invalid_name_is_an_error_and_nothing_is_written(project, name):
    before = (project / "project.yaml").read_bytes()
    result = _ofn("inbox", "add", "--project", project, "--", name)
    assert isinstance(result.exception, CommandError)
    assert (project / "project.yaml").read_bytes() == before
