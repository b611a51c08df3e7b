"""`ofn new-adaptor`: what it writes works, and passes the checks, as it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

import adaptors
from tests.conftest import ROOT
from workbench.cli.new_adaptor import write

SKELETON = ROOT / "workbench/cli/adaptor_template"


@pytest.fixture
def checkout(tmp_path):
    """A checkout, as far as an adaptor and its tests need one."""
    shutil.copytree(
        ROOT / "layers/adaptors/adaptors",
        tmp_path / "layers/adaptors/adaptors",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "tests/adaptors").mkdir(parents=True)
    shutil.copy(ROOT / "tests/adaptors/serving.py", tmp_path / "tests/adaptors")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def python(checkout, *arguments):
    """Run Python in a checkout; give what it says if it fails."""
    path = os.pathsep.join(map(str, (checkout, checkout / "layers/adaptors")))
    ran = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return (ran.stdout + ran.stderr) if ran.returncode else ""


def test_what_is_written_passes_its_own_tests(checkout):
    module, test = write("ward_book", checkout)
    assert python(checkout, "pytest", "-n0", "-p", "no:cacheprovider", module, test) == ""


def test_the_types_of_what_is_written_are_right(checkout):
    module, _ = write("ward_book", checkout)
    assert python(checkout, "mypy", "--cache-dir", os.devnull, module) == ""


@pytest.mark.parametrize("name", ["x", "rapidpro", "a_system_with_quite_a_long_name"])
def test_what_is_written_passes_the_checks_whatever_its_name(checkout, name):
    module, test = write(name, checkout)
    for path, template in ((module, "adaptor.py"), (test, "test_adaptor.py")):
        same = re.sub(
            "skeleton", name, (SKELETON / template).read_text("utf-8"), flags=re.IGNORECASE
        )
        titled = name.replace("_", " ").capitalize()
        assert path.read_text("utf-8").replace(titled, name) == same
    assert python(checkout, "ruff", "format", "--check", module, test) == ""
    assert python(checkout, "ruff", "check", "--no-cache", module, test) == ""


def test_a_project_may_have_a_credential_for_it_at_once(ofn, checkout, project, monkeypatch):
    ended = ofn("new-adaptor", "ward_book", "--into", checkout)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[:2] == [
        "layers/adaptors/adaptors/ward_book.py",
        "tests/adaptors/test_ward_book.py",
    ]
    there = [str(checkout / "layers/adaptors/adaptors")]
    monkeypatch.setattr(adaptors, "__path__", there)
    project.change("triggers:", "credentials: {ward: {adaptor: ward_book}}\ntriggers:")
    assert ofn("check", "--project", project.folder).status == 0
    sys.modules.pop("adaptors.ward_book")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Ward", "Ward cannot be an adaptor's name: take small letters"),
        ("rapid-pro", "rapid-pro cannot be an adaptor's name"),
        ("2go", "cannot be an adaptor's name"),
        ("_own", "cannot be an adaptor's name"),
        ("../x", "cannot be an adaptor's name"),
        ("import", "cannot be an adaptor's name"),
        ("x" * 41, "cannot be an adaptor's name"),
        ("operations", "operations.py is there already: take another name"),
        ("mine", "tests/adaptors/test_mine.py is there already"),
        ("package", "adaptors/package is there already: take another name"),
    ],
)
def test_a_name_that_will_not_do_is_refused_and_nothing_is_written(ofn, checkout, name, words):
    (checkout / "tests/adaptors/test_mine.py").write_text("", "utf-8")
    (checkout / "layers/adaptors/adaptors/package").mkdir()
    before = sorted(checkout.rglob("*"))
    ended = ofn("new-adaptor", name, "--into", checkout)
    assert (ended.status, ended.out) == (1, "")
    assert words in ended.words
    assert sorted(checkout.rglob("*")) == before


def test_a_folder_that_is_no_checkout_is_said_to_be_none(ofn, tmp_path):
    ended = ofn("new-adaptor", "mine", "--into", tmp_path)
    assert f"{tmp_path} is no checkout of this project" in ended.words
