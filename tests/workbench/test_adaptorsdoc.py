"""docs/adaptors.md: the adaptor that it builds works, is tested and passes the checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from tests.conftest import ROOT
from workbench.newadaptor import write

PAGE = (ROOT / "docs/adaptors.md").read_text("utf-8")
FENCES = [each for each in MarkdownIt().parse(PAGE) if each.type == "fence"]
MODULE, TEST = "layers/adaptors/adaptors/telerivet.py", "tests/adaptors/test_telerivet.py"
JOB = "project/jobs/text_the_nurse.py"


def fences(info):
    """Give the blocks that are labelled so."""
    return [each.content for each in FENCES if each.info == info]


def file(path):
    """Give a file whose parts the page shows one after the other."""
    return "\n\n".join(fences(f"python {path}"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which the page has been followed to its end."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("layers/adaptors/adaptors", "project"):
        ignored = shutil.ignore_patterns("__pycache__", "telerivet*", "credentials")
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    (root / "tests/adaptors").mkdir(parents=True)
    shutil.copy(ROOT / "tests/adaptors/serving.py", root / "tests/adaptors")
    shutil.copy(ROOT / "pyproject.toml", root)
    assert write("telerivet", root) == [root / MODULE, root / TEST]
    for path in (MODULE, TEST, JOB):
        (root / path).write_text(file(path), "utf-8")
    yaml = YAML()
    written = yaml.load(root / "project/project.yaml")
    for section, entries in yaml.load(fences("yaml")[0]).items():
        written[section].update(entries)
    yaml.dump(written, root / "project/project.yaml")
    return root


def python(root, *arguments):
    """Run Python in that checkout."""
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
def test_the_adaptor_passes(checkout, check):
    ran = python(checkout, "-m", *check)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_job_that_uses_it_does_what_the_page_says(checkout):
    program = "from workbench.cli import main; main()"
    event = str(ROOT / "events/kobo_household.json")
    ran = python(checkout, "-c", program, "try", "text-the-nurse", event, "--dry-run")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for line in fences("console")[0].splitlines():
        assert line in ran.stdout


def test_every_command_of_the_page_is_one(ofn):
    lines = [line for fence in fences("") for line in fence.splitlines()]
    names = {line.split()[1] for line in lines if "/ofn " in line}
    shown = ofn("--help").out
    assert names == {"new-adaptor", "try", "credential"}
    assert all(name in shown for name in names)
