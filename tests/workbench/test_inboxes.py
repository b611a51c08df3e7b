"""What is written about inboxes, and the commands that make their ids."""

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
from workbench.project.yaml_source import ProjectMistakes


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "project", tmp_path / "project")
    return tmp_path / "project"


def _with(project, text):
    path = project / "project.yaml"
    lines = path.read_text("utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("  field-data:"))
    digest = lines[at].split(": ")[-1].rstrip("}")
    lines[at] = f"  field-data:\n    id_sha256: {digest}\n    {text}"
    path.write_text("\n".join(lines), "utf-8")
    return project


def _ofn(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("auth: basic", "name one of"),
        ("auth: [{}]", "name one of basic, bearer, api_key, hmac"),
        ("auth: [{basic: a, bearer: b}]", "name one of"),
        ("auth: [{digest: a}]", "name one of"),
        ("auth: [{hmac: a}]", "header"),
        ("auth: [{hmac: a, header: X-Sig, algorithm: md5}]", "sha256"),
        ("auth: [{basic: a, header: X-Key}]", "leave this out"),
        ("auth: [{api_key: a, algorithm: sha1}]", "only hmac"),
        ("auth: [{api_key: a, header: 'X Key: 1'}]", "header"),
        ("auth: [{basic: 'two words'}]", "letters"),
        ("dedupe: ''", "path of one value"),
        ("dedupe: 'visits[*].id'", "path of one value"),
        ("dedupe: 'a..b'", "not understood"),
        ("dedupe: 7", "path of one value"),
        ("max_bytes: 0", "greater"),
        ("max_bytes: 7000000", "6000000"),
        ("max_bytes: many", "integer"),
    ],
)
def test_a_mistake_in_an_inbox_is_said_on_its_line(project, text, what):
    with pytest.raises(ProjectMistakes) as raised:
        check(_with(project, text))
    (mistake, *_) = raised.value.mistakes
    assert mistake.line == 8
    assert what in str(mistake)


def test_the_options_of_an_inbox_reach_the_functions(project, tmp_path):
    text = (
        "auth: [{basic: login}, {hmac: key, header: X-Hub-Signature, algorithm: sha1}]\n"
        "    dedupe: data[0].*meta-instance-id*\n    max_bytes: 1000"
    )
    compile_project(_with(project, text), tmp_path / "compiled")
    inboxes = {each.name: each for each in load(tmp_path / "compiled").inboxes.values()}
    inbox = inboxes["field-data"]
    assert [(a.way, a.secret, a.header, a.algorithm) for a in inbox.auth] == [
        ("basic", "login", "authorization", "sha256"),
        ("hmac", "key", "x-hub-signature", "sha1"),
    ]
    assert inbox.dedupe == ("data", 0, "*meta-instance-id*")
    assert inbox.max_bytes == 1000
    assert inboxes["commcare"].auth == ()


def test_a_new_inbox_s_url_is_shown_once_and_only_its_hash_is_kept(project):
    before = (project / "project.yaml").read_text("utf-8")
    answer = _ofn(
        "inbox", "add", "clinic", "--url", "https://a.example/inbox/", "--project", project
    )
    assert answer.exit_code == 0
    url = answer.stdout.split()[0]
    inbox_id = url.removeprefix("https://a.example/inbox/")
    after = (project / "project.yaml").read_text("utf-8")
    assert inbox_id not in after
    assert check(project).inboxes["clinic"].id_sha256 == [
        hashlib.sha256(inbox_id.encode()).hexdigest()
    ]
    assert set(before.splitlines()) <= set(after.splitlines())  # comments and all


def test_two_ids_are_valid_while_a_source_is_moved_over(project, tmp_path):
    (old,) = check(project).inboxes["commcare"].id_sha256
    answer = _ofn("inbox", "rotate", "commcare", "--json", "--project", project)
    new_id = json.loads(answer.stdout)["id"]
    assert check(project).inboxes["commcare"].id_sha256[0] == old
    compile_project(project, tmp_path / "compiled")
    assert load(tmp_path / "compiled").inbox_by_id(new_id).name == "commcare"
    again = _ofn("inbox", "rotate", "commcare", "--project", project)
    assert isinstance(again.exception, CommandError)
    assert "--finish" in str(again.exception)
    assert _ofn("inbox", "rotate", "commcare", "--finish", "--project", project).exit_code == 0
    (left,) = check(project).inboxes["commcare"].id_sha256
    assert left == hashlib.sha256(new_id.encode()).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [(("add", "commcare"), "already"), (("rotate", "nowhere"), "it has field-data, commcare")],
)
def test_what_cannot_be_done_is_said(project, arguments, what):
    answer = _ofn("inbox", *arguments, "--project", project)
    assert isinstance(answer.exception, CommandError)
    assert what in str(answer.exception)


def test_the_list_shows_what_each_inbox_asks_for(project):
    _with(project, "auth: [{basic: login}]\n    dedupe: _uuid")
    answer = _ofn("inbox", "list", "--project", project)
    assert answer.exit_code == 0
    assert "basic" in answer.stdout
    assert "_uuid" in answer.stdout
    rows = json.loads(_ofn("inbox", "list", "--json", "--project", project).stdout)
    assert rows == [{"inbox": "field-data", "ids": 1}, {"inbox": "commcare", "ids": 1}]


@pytest.mark.parametrize("name", ["my clinic", "a: b", "-x", "", "x" * 65])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(project, name):
    before = (project / "project.yaml").read_bytes()
    answer = _ofn("inbox", "add", "--project", project, "--", name)
    assert isinstance(answer.exception, CommandError)
    assert (project / "project.yaml").read_bytes() == before
