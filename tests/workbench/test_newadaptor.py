"""`ofn new-adaptor`: the files it writes work, and pass all checks unchanged."""

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

TEMPLATE = ROOT / "workbench/cli/adaptor_template"


@pytest.fixture
def checkout(tmp_path):
    """The part of a checkout that an adaptor and its tests need."""
    shutil.copytree(
        ROOT / "layers/adaptors/adaptors",
        tmp_path / "layers/adaptors/adaptors",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "tests/adaptors").mkdir(parents=True)
    (tmp_path / "tests/support").mkdir()
    shutil.copy(ROOT / "tests/support/wsgi_server.py", tmp_path / "tests/support")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def problems(checkout, *arguments):
    """Run a Python module in a checkout; return its output if it fails, else nothing."""
    path = os.pathsep.join(map(str, (checkout, checkout / "layers/adaptors")))
    process = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return (process.stdout + process.stderr) if process.returncode else ""


def test_written_adaptor_passes_its_own_tests(checkout):
    module, test = write("ward_book", checkout)
    assert problems(checkout, "pytest", "-n0", "-p", "no:cacheprovider", module, test) == ""


def test_written_adaptor_passes_mypy(checkout):
    module, _ = write("ward_book", checkout)
    assert problems(checkout, "mypy", "--cache-dir", os.devnull, module) == ""


@pytest.mark.parametrize("name", ["x", "rapidpro", "a_system_with_quite_a_long_name"])
def test_written_files_pass_ruff_with_any_name(checkout, name):
    module, test = write(name, checkout)
    for path, template in ((module, "adaptor.py"), (test, "test_adaptor.py")):
        expected = re.sub(
            "skeleton", name, (TEMPLATE / template).read_text("utf-8"), flags=re.IGNORECASE
        )
        titled = name.replace("_", " ").capitalize()
        assert path.read_text("utf-8").replace(titled, name) == expected
    assert problems(checkout, "ruff", "format", "--check", module, test) == ""
    assert problems(checkout, "ruff", "check", "--no-cache", module, test) == ""


def test_project_may_use_the_new_adaptor_at_once(ofn, checkout, project, monkeypatch):
    result = ofn("new-adaptor", "ward_book", "--into", checkout)
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[:2] == [
        "layers/adaptors/adaptors/ward_book.py",
        "tests/adaptors/test_ward_book.py",
    ]
    folders = [str(checkout / "layers/adaptors/adaptors")]
    monkeypatch.setattr(adaptors, "__path__", folders)
    project.change("triggers:", "credentials: {ward: {adaptor: ward_book}}\ntriggers:")
    assert ofn("check", "--project", project.folder).status == 0
    sys.modules.pop("adaptors.ward_book")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Ward", "Ward is not a valid adaptor name. Use lower-case letters"),
        ("rapid-pro", "rapid-pro is not a valid adaptor name"),
        ("2go", "is not a valid adaptor name"),
        ("_own", "is not a valid adaptor name"),
        ("../x", "is not a valid adaptor name"),
        ("import", "is not a valid adaptor name"),
        ("x" * 41, "is not a valid adaptor name"),
        ("operations", "operations.py already exists. Choose another name"),
        ("mine", "tests/adaptors/test_mine.py already exists"),
        ("package", "adaptors/package already exists. Choose another name"),
    ],
)
def test_invalid_or_existing_name_is_refused_and_nothing_is_written(ofn, checkout, name, error):
    (checkout / "tests/adaptors/test_mine.py").write_text("", "utf-8")
    (checkout / "layers/adaptors/adaptors/package").mkdir()
    before = sorted(checkout.rglob("*"))
    result = ofn("new-adaptor", name, "--into", checkout)
    assert (result.status, result.out) == (1, "")
    assert error in result.words
    assert sorted(checkout.rglob("*")) == before


def test_folder_must_be_a_checkout(ofn, tmp_path):
    result = ofn("new-adaptor", "mine", "--into", tmp_path)
    assert f"{tmp_path} is not a checkout of this project" in result.words
