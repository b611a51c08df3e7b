"""Find out whether a project has jobs in a language, before its layers are built.

    python -m workbench.project.job_languages PROJECT .js

Exits with 0 if it has. A project that is not valid has none: the build of its own layer says why.
"""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.project.compiler import PROJECT_FILE
from workbench.project.references import texts_at
from workbench.project.yaml_source import ProjectProblems, read_yaml


def has_jobs(project: Path, suffix: str) -> bool:
    """Return whether the expression of a job is a file with a suffix."""
    try:
        expressions = texts_at(read_yaml(project / PROJECT_FILE), "jobs", "expression")
        return any(Path(expression).suffix == suffix for _, expression in expressions)
    except ProjectProblems:
        return False


if __name__ == "__main__":
    sys.exit(not has_jobs(Path(sys.argv[1]), sys.argv[2]))
