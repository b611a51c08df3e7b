"""Find a line of a job's file, also in a project that is not valid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.project.compiler import PROJECT_FILE
from workbench.project.references import texts_at
from workbench.project.yaml_source import ProjectProblems, read_yaml


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a job's file as it is now."""

    file: str
    number: int
    text: str


def line_of(project: Path, job: str, number: int) -> SourceLine | None:
    """Return a line of a job's file, or None if the project does not have it."""
    try:
        files = dict(texts_at(read_yaml(project / PROJECT_FILE), "jobs", "expression"))
        file = project / files[job]
        lines = file.read_text("utf-8").splitlines()
    except (ProjectProblems, KeyError, OSError, UnicodeDecodeError):
        return None
    is_inside = project.resolve() in file.resolve().parents
    if not is_inside or not 0 < number <= len(lines):
        return None
    return SourceLine(file.as_posix(), number, lines[number - 1].strip())
