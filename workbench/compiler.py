"""project.yaml and its job files → the project layer, validated.

    python -m workbench.compiler SOURCE TARGET

What the functions read is one JSON file with the job files beside it; nothing is validated or
parsed from YAML in Lambda. Every job file is loaded once here, so that a misspelt operation or a
missing import stops the build and not a run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from openfn.errors import JobError, ProjectError
from openfn.expressions import load
from openfn.project import COMPILED, parse_triggers
from openfn.triggers import Trigger
from workbench.projectfile import Mistake, ProjectMistakes, ProjectWritten, Source, read

PROJECT_FILE = "project.yaml"


def check(source: Path) -> ProjectWritten:
    """Validate a project and its job files; raises `ProjectMistakes` with all that is wrong."""
    project, text = read(source / PROJECT_FILE)
    mistakes = [*_dangling(project, text), *_broken_jobs(source, project, text)]
    if mistakes:
        raise ProjectMistakes(sorted(mistakes, key=lambda each: (each.file, each.line)))
    return project


def compile_project(source: Path, target: Path, more_ids: Mapping[str, str] | None = None) -> None:
    """Write the project layer's content; `more_ids` adds a SHA-256 to inboxes by name."""
    project = check(source)
    compiled = project.model_dump(mode="json")
    for inbox, digest in (more_ids or {}).items():
        compiled["inboxes"][inbox]["id_sha256"].append(digest)
    target.mkdir(parents=True, exist_ok=True)
    for directory in {(source / job.expression).parent for job in project.jobs.values()}:
        shutil.copytree(
            directory,
            target / directory.relative_to(source),
            ignore=shutil.ignore_patterns("__pycache__", ".*", "credentials"),
            dirs_exist_ok=True,
        )
    compiled["version"] = _digest(compiled, target)
    (target / COMPILED).write_text(json.dumps(compiled, separators=(",", ":")), "utf-8")


def triggers(project: ProjectWritten) -> list[Trigger]:
    """Give a project's triggers as the functions have them once they are compiled."""
    compiled = json.loads(json.dumps(project.model_dump(mode="json")), parse_float=Decimal)
    return parse_triggers(compiled["triggers"])


def main() -> int:
    """Compile a project for its layer; 1 and the mistakes on standard error if it has any."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        compile_project(source, target)
    except ProjectMistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return 1
    return 0


def _dangling(project: ProjectWritten, source: Source) -> list[Mistake]:
    places: list[tuple[tuple[str, ...], str | None, Mapping[str, Any], str]] = []
    for name, trigger in project.triggers.items():
        places.append((("triggers", name, "inbox"), trigger.inbox, project.inboxes, "inbox"))
    for name, job in project.jobs.items():
        places.append((("jobs", name, "trigger"), job.trigger, project.triggers, "trigger"))
        where = ("jobs", name, "credential")
        places.append((where, job.credential, project.credentials, "credential"))
    return [
        source.mistake(where, f"there is no {kind} `{name}`; there is {', '.join(known) or 'none'}")
        for where, name, known, kind in places
        if name is not None and name not in known
    ]


def _broken_jobs(directory: Path, project: ProjectWritten, source: Source) -> list[Mistake]:
    mistakes = []
    for name, job in project.jobs.items():
        path = (directory / job.expression).resolve()
        where = ("jobs", name, "expression")
        if directory.resolve() not in path.parents or path.suffix != ".py":
            mistakes.append(source.mistake(where, "name a .py file inside the project"))
        elif path.parent == directory.resolve():
            mistakes.append(source.mistake(where, "put the file in a folder, such as jobs/"))
        elif not path.is_file():
            mistakes.append(source.mistake(where, f"there is no file {job.expression}"))
        else:
            mistakes += _mistakes_in(path, job.expression)
    return mistakes


def _mistakes_in(path: Path, shown: str) -> list[Mistake]:
    try:
        load(path)
    except JobError as error:
        return [Mistake(shown, error.line, f"{error.type}: {error.message}")]
    except ProjectError as error:
        return [Mistake(shown, 1, str(error))]
    return []


def _digest(compiled: dict[str, Any], target: Path) -> str:
    digest = hashlib.sha256(json.dumps(compiled, sort_keys=True).encode())
    for path in sorted(each for each in target.rglob("*") if each.is_file()):
        digest.update(str(path.relative_to(target)).encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
