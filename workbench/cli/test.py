"""`ofn test`: run the tests of a project's jobs."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import typer

from workbench.cli.options import Project
from workbench.errors import CommandError
from workbench.terminal import escape_controls_but_colors

PYTEST_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Settings of the command's context that pass all other options to pytest."""

# The start of a color or of a line's end, whose rest is in the next chunk.
_INCOMPLETE = re.compile(r"(?:\x1b(?:\[[0-9;]{0,20})?|\r)\Z")


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
    if sys.stdout.isatty():  # which pytest cannot see through the pipe
        command.insert(3, "--color=yes")
    raise typer.Exit(_run(command))


def _run(command: list[str]) -> int:
    """Run a command, print its output without terminal controls, and return its status."""
    columns = str(shutil.get_terminal_size().columns)
    with subprocess.Popen(  # noqa: S603 - pytest itself
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"COLUMNS": columns, "PYTHONUNBUFFERED": "1"},
    ) as process:
        if process.stdout:
            _copy(process.stdout)
    return process.returncode


def _copy(stream: IO[bytes]) -> None:
    decoder, pending = codecs.getincrementaldecoder("utf-8")("backslashreplace"), ""
    # At once, also what does not end a line: the dots of a test run, or a debugger's prompt.
    while chunk := os.read(stream.fileno(), 65_536):
        text = pending + decoder.decode(chunk)
        cut = _INCOMPLETE.search(text)
        pending = cut[0] if cut else ""
        _write(text.removesuffix(pending))
    _write(pending + decoder.decode(b"", final=True))


def _write(text: str) -> None:
    sys.stdout.write(escape_controls_but_colors(text))
    sys.stdout.flush()
