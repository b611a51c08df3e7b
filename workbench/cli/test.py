"""`ofn test`: the tests of a project's jobs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

from workbench.cli.options import Project
from workbench.errors import CommandError

ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True}
"""What the command's context takes: all that pytest does."""


def run_tests(context: typer.Context, project: Project = Path("project")) -> None:
    """Run the tests of a project's jobs, PROJECT/tests; takes pytest's options (-k NAME, -x …)."""
    folder = project / "tests"
    if not any(folder.rglob("test_*.py")):
        raise CommandError(
            f"there is no test in {folder}: write {folder}/test_<job>.py; docs/jobs.md has one"
        )
    # The suite's own options spread the tests over all processors: for a few that takes longer.
    options = ["-o", "addopts=", "--import-mode=importlib", "-q"]
    command = [sys.executable, "-m", "pytest", *options, *context.args, str(folder)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - pytest itself
