"""Find the problems of a Python job's code: its syntax, its names, errors while it is loaded."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from openfn.errors import JobError, ProjectError
from openfn.jobs import output_capture
from openfn.jobs.expression import load
from workbench.project.job_lint import members_of_groups, operations_not_run, unknown_inboxes
from workbench.project.similar_names import suggestion_for_error
from workbench.project.undefined_names import undefined_names
from workbench.project.yaml_source import Problem

_FIXES = {
    "ImportError": "Is the name spelled correctly?",
    "ModuleNotFoundError": "Is it spelled correctly, and is the file beside the job?",
    "NameError": "Is it spelled correctly and imported?",
}


def problems(path: Path, name: str, inboxes: Collection[str]) -> list[Problem]:
    """Return the problems of a job's file, which has a name in the project."""
    try:
        code = path.read_bytes()
        compile(code, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        return [Problem(name, error.lineno or 1, f"This is not valid Python: {error.msg}.")]
    except (ValueError, OSError) as error:
        return [Problem(name, 1, str(error))]
    lines = {*undefined_names(code)}
    if problem := _load_problem(path, name, ignore_names=bool(lines)):
        return [*_problems(name, lines), problem]
    lines |= {*operations_not_run(code), *unknown_inboxes(code, inboxes)}
    return _problems(name, lines | {*members_of_groups(code)})


def _problems(name: str, lines: set[tuple[int, str]]) -> list[Problem]:
    return [Problem(name, line, message) for line, message in sorted(lines)]


def _load_problem(path: Path, name: str, *, ignore_names: bool) -> Problem | None:
    """Load a job as the runner does and return its error, if any."""
    try:
        with output_capture.capture(lambda _text: None):
            load(path)
    except JobError as error:
        if error.type == "NameError" and ignore_names:
            return None
        fix = suggestion_for_error(error.message) or _FIXES.get(error.type, "")
        message = f"{error.type}: {error.message}"
        return Problem(name, error.line, f"{message}. {fix}" if fix else message)
    except (ProjectError, ValueError, OSError) as error:
        return Problem(name, 1, str(error))
    return None
