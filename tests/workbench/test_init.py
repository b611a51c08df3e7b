"""A project begins with `ofn init`, and every command finds the project of its folder."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.conftest import ROOT
from workbench.cli.new_project.starters import DestinationName, SourceName
from workbench.project import inbox_ids, project_folder
from workbench.project.compiler import check
from workbench.testing import run_job


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, in which commands are executed."""
    folder = tmp_path / "health data"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_new_project_is_valid_and_its_test_passes_and_its_trigger_matches(ofn, folder):
    created = ofn("init")
    assert created.status == 0
    assert created.out.splitlines() == [
        "project.yaml",
        "jobs/record.py",
        "tests/test_record.py",
        "README.md",
        "tests/events/submission.json",
        ".gitignore",
    ]
    assert ofn("check").out == "health-data: 1 inbox, 1 trigger, 1 job. No problems found.\n"
    assert "submission matches" in ofn("match", "tests/events/submission.json").out
    assert ofn("test", "-p", "no:cacheprovider").status == 0
    secret = created.err.split(" is ")[1].split(".")[0]
    assert secret not in (folder / "project.yaml").read_text()


@pytest.mark.parametrize("source", SourceName)
@pytest.mark.parametrize("destination", DestinationName)
def test_every_source_and_destination_makes_a_working_job(ofn, tmp_path, source, destination):
    project = tmp_path / "new"
    options = ("--source", source, "--destination", destination, "--name", "demo")
    assert ofn("init", project, *options).status == 0
    assert ofn("check", "--project", project).out.endswith("job. No problems found.\n")
    post = (project / "tests/events/submission.json").read_text("utf-8")
    assert run_job("record", post, project=project).requests
    assert (project / "tables.sql").exists() == (destination is DestinationName.POSTGRESQL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--name", "a b"), "`a b` cannot be the name of a project."),
        (("--source", "fax"), "'fax' is not one of"),
    ],
)
def test_invalid_option_creates_nothing(ofn, folder, options, message):
    ended = ofn("init", *options)
    assert ended.status != 0
    assert message in ended.words
    assert list(folder.iterdir()) == []


def test_existing_project_is_not_changed(ofn, folder):
    (folder / "README.md").write_text("mine")
    (folder / "project.yaml").write_text("name: mine\n")
    ended = ofn("init")
    assert (ended.status, ended.words) == (1, "project.yaml already exists. Choose another folder.")
    (folder / "project.yaml").unlink()
    assert ofn("init").status == 0
    assert (folder / "README.md").read_text() == "mine"


@pytest.mark.parametrize("below", [".", "jobs", "tests/events"])
def test_project_is_found_from_the_folders_in_it(ofn, folder, monkeypatch, below):
    ofn("init")
    monkeypatch.chdir(folder / below)
    assert (
        ofn("inbox", "list", "--json").out
        == json.dumps([{"inbox": "kobo", "ids": 1}], indent=2) + "\n"
    )


def test_project_is_found_beside_the_folder_it_has_been_called_in(folder, monkeypatch):
    (folder / "project").mkdir()
    (folder / "project/project.yaml").write_text("")
    (folder / "docs").mkdir()
    monkeypatch.chdir(folder / "docs")
    assert project_folder.find(folder / "docs") == folder / "project"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to give a folder to another user")
def test_project_in_a_folder_of_another_user_is_not_used(folder):
    (folder / "project.yaml").write_text("")
    below = folder / "mine"
    below.mkdir()
    os.chown(folder, 12345, 12345)
    assert project_folder.find(below) is None


@pytest.mark.parametrize("text", ["", "name: demo\n", "# to do\nname: demo\ninboxes:\n"])
def test_inbox_can_be_added_to_an_empty_project(ofn, folder, text):
    (folder / "project.yaml").write_text(text)
    for name in ("kobo", "odk"):
        assert ofn("inbox", "add", name).status == 0
    again = ofn("inbox", "add", "kobo")
    assert "already has an inbox kobo" in again.err
    written = (folder / "project.yaml").read_text()
    assert all(name in written for name in ("name: ", "kobo:", "odk:"))


def test_inbox_can_be_added_to_a_project_without_inboxes(ofn, folder):
    ofn("init")
    text = (folder / "project.yaml").read_text()
    cron = text.replace("    inclusion: {_xform_id_string: groups}\n", "    cron: '0 1 * * *'\n")
    lines = [line for line in cron.splitlines() if "kobo" not in line and "inboxes" not in line]
    (folder / "project.yaml").write_text("\n".join(lines))
    assert inbox_ids.add(folder, "odk")
    assert list(check(folder).inboxes) == ["odk"]


def test_layer_is_built_from_a_project_outside_the_repository(ofn, folder):
    ofn("init", "--name", "elsewhere")
    ran = subprocess.run(
        ["make", "--silent", "-f", "layers/Makefile", "build-ProjectLayer"],
        cwd=ROOT,
        env={**os.environ, "OPENFN_PROJECT": str(folder), "ARTIFACTS_DIR": str(folder / "layer")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads((folder / "layer/project/project.json").read_text())["name"] == "elsewhere"


@pytest.mark.parametrize(
    ("arguments", "environment", "project"),
    [
        (["PROJECT=../elsewhere"], {}, "../elsewhere"),
        ([], {}, "project"),
        ([], {"PROJECT": "of-another-program"}, "project"),
    ],
)
def test_make_builds_the_project_of_its_argument(arguments, environment, project):
    target = "print:\n\t@echo $(OPENFN_PROJECT)\ninclude Makefile\n"
    ran = subprocess.run(
        ["make", "--silent", "-f", "-", "print", *arguments],
        cwd=ROOT,
        input=target,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == os.path.normpath(ROOT / project)
