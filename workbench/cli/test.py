"""`ofn test`: run the tests of a project's jobs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

from workbench.cli.options import Project
from workbench.errors import CommandError

PYTEST_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Settings of the command's context that pass all other options to pytest."""


def run_tests(context: typer.Context, project: Project = Path("project")) -> None:
    """Run the tests of a project's jobs with pytest.

    The tests are in PROJECT/tests. All options of pytest work, such as -k NAME or -x.
    """
    folder = project / "tests"
    if not any(folder.rglob("test_*.py")):
        raise CommandError(
            f"{folder} has no tests. Write {folder}/test_<job>.py; docs/jobs.md has an example."
        )
    # The suite's own options run the tests in several processes, which is slower for a few tests.
    options = ["-o", "addopts=", "--import-mode=importlib", "-q"]
    command = [sys.executable, "-m", "pytest", *options, *context.args, str(folder)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - pytest itself
