"""What tests of the workbench share: a project to spoil, and the command line to run on it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import adaptors
from workbench.cli.main import main

MORE = Path(__file__).parent / "more"

GOOD = f"""\
name: demo
inboxes:
  field: {{id_sha256: {"a" * 64}}}
triggers:
  form:
    inclusion: {{formId: registration}}
jobs:
  go:
    trigger: form
    expression: jobs/go.py
"""
JOB = """\
from adaptors.common import fn

fn(lambda state: state)
"""


@dataclass(frozen=True)
class Project:
    """A project's folder."""

    folder: Path

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def change(self, old, new):
        """Replace what stands once in a good project.yaml."""
        assert GOOD.count(old) == 1
        return self.write("project.yaml", GOOD.replace(old, new))


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def words(self):
        """What is said on standard error, whatever frame and line width it is said in."""
        return " ".join(re.sub(r"[│╭╮╰╯─]", " ", self.err).split())


@pytest.fixture
def project(tmp_path):
    """A project with one trigger and one job and nothing to mend."""
    made = Project(tmp_path / "project")
    made.write("project.yaml", GOOD)
    made.write("jobs/go.py", JOB)
    return made


@pytest.fixture
def clinic(monkeypatch):
    """Let there be one more adaptor: `clinic`, whose credential has keys of every kind."""
    monkeypatch.setattr(adaptors, "__path__", [*adaptors.__path__, str(MORE)])
    yield
    sys.modules.pop("adaptors.clinic", None)


@pytest.fixture(autouse=True)
def _forget_imports(monkeypatch):
    """Let no job of one test import what lay beside a job of another."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if "pytest-of-" in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def ofn(monkeypatch, capsys):
    """Run the command line in this process: the program's own door, without its start-up."""

    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ofn", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = (re.sub(r"\x1b\[[0-9;]*m", "", each) for each in capsys.readouterr())
        return Ended(ended.value.code or 0, out, err)

    return run
