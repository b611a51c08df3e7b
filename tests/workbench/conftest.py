"""Fixtures of the workbench tests: a project to change, and the command line."""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import adaptors
from workbench.cli.main import main
from workbench.stack import local

MORE = Path(__file__).parent / "more"

DIGEST = hashlib.sha256(b"field").hexdigest()
GOOD = f"""\
name: demo
inboxes:
  field: {{id_sha256: {DIGEST}}}
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
        """Replace a text that occurs once in the valid project.yaml."""
        assert GOOD.count(old) == 1
        return self.write("project.yaml", GOOD.replace(old, new))


@dataclass(frozen=True)
class Ended:
    """The exit status and output of a command.

    `target` is the line on standard error that names the stack's account and region; `err` is the
    rest of it.
    """

    status: int
    out: str
    err: str
    target: str = ""

    @property
    def words(self):
        """Return the text on standard error without frames and line breaks."""
        return " ".join(re.sub(r"[│╭╮╰╯─]", " ", self.err).split())


@pytest.fixture
def project(tmp_path):
    """A valid project with one trigger and one job."""
    project = Project(tmp_path / "project")
    project.write("project.yaml", GOOD)
    project.write("jobs/go.py", JOB)
    return project


@pytest.fixture
def clinic(monkeypatch):
    """Add an adaptor `clinic` whose credential has keys of every type."""
    monkeypatch.setattr(adaptors, "__path__", [*adaptors.__path__, str(MORE)])
    yield
    sys.modules.pop("adaptors.clinic", None)


@pytest.fixture(autouse=True)
def _forget_imports(monkeypatch):
    """Forget modules that a job of a test imported, so that other tests do not see them."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if "pytest-of-" in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def ofn(monkeypatch, capsys):
    """Run the command line in this process, where `ofn serve` has no data."""

    monkeypatch.setattr(local, "FOLDER", ".openfn-of-no-test")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ofn", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = (re.sub(r"\x1b\[[0-9;]*m", "", text) for text in capsys.readouterr())
        target = re.match(r"Stack \S+: (account|http|in this process).*\n", err)
        rest = err[target.end() :] if target else err
        return Ended(ended.value.code or 0, out, rest, target.group().strip() if target else "")

    return run
