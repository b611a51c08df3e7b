"""docs/adaptors.md: the adaptor on the page works and passes all checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from tests.conftest import ROOT
from workbench.cli.new_adaptor import write

PAGE = (ROOT / "docs/adaptors.md").read_text("utf-8")
CODE_BLOCKS = [token for token in MarkdownIt().parse(PAGE) if token.type == "fence"]
MODULE, TEST = "layers/adaptors/adaptors/telerivet.py", "tests/adaptors/test_telerivet.py"
JOB = "project/jobs/notify_nurse.py"


def code_blocks(label):
    """Return the code blocks with this label."""
    return [token.content for token in CODE_BLOCKS if token.info == label]


def file_content(path):
    """Join the blocks of one file: the page shows it part by part."""
    return "\n\n".join(code_blocks(f"python {path}"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the repository after all steps of the page."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("layers/adaptors/adaptors", "project"):
        ignored = shutil.ignore_patterns("__pycache__", "telerivet*", "credentials")
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    (root / "tests/adaptors").mkdir(parents=True)
    (root / "tests/support").mkdir()
    shutil.copy(ROOT / "tests/support/wsgi_server.py", root / "tests/support")
    shutil.copy(ROOT / "pyproject.toml", root)
    assert write("telerivet", root) == [root / MODULE, root / TEST]
    for path in (MODULE, TEST, JOB):
        (root / path).write_text(file_content(path), "utf-8")
    yaml = YAML()
    project = yaml.load(root / "project/project.yaml")
    for section, entries in yaml.load(code_blocks("yaml")[0]).items():
        project[section].update(entries)
    yaml.dump(project, root / "project/project.yaml")
    return root


def run_python(root, *arguments):
    """Run Python in the copy of the repository."""
    path = os.pathsep.join(map(str, (root, root / "layers/adaptors")))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "check",
    [
        ("pytest", "-n0", "-p", "no:cacheprovider", MODULE, TEST),
        ("mypy", "--cache-dir", os.devnull, MODULE),
        ("ruff", "check", "--no-cache", MODULE, TEST, JOB),
        ("ruff", "format", "--no-cache", "--check", MODULE, TEST, JOB),
    ],
    ids=["tests", "types", "lint", "format"],
)
def test_adaptor_passes_every_check(checkout, check):
    process = run_python(checkout, "-m", *check)
    assert process.returncode == 0, process.stdout + process.stderr


def test_job_prints_what_the_page_shows(checkout):
    program = "from workbench.cli.main import main; main()"
    event = str(ROOT / "events/kobo_household.json")
    process = run_python(checkout, "-c", program, "try", "notify-nurse", event, "--dry-run")
    assert process.returncode == 0, process.stdout + process.stderr
    for line in code_blocks("console")[0].splitlines():
        assert line in process.stdout


def test_every_command_on_the_page_exists(ofn):
    lines = [line for block in code_blocks("") for line in block.splitlines()]
    names = {line.split()[1] for line in lines if "/ofn " in line}
    help_text = ofn("--help").out
    assert names == {"new-adaptor", "try", "credential"}
    assert all(name in help_text for name in names)
