"""Compile project.yaml and its job files into the project layer.

    python -m workbench.project.compiler SOURCE TARGET

The functions read one JSON file with the job files beside it. They never validate anything and
never parse YAML. Every job file is loaded once here, so that a misspelled operation or a missing
import stops the build and not a run.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from importlib import import_module
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Any

from adaptors.credentials import secret_fields
from openfn.control_characters import escape_controls
from openfn.jobs.javascript import SUFFIX
from openfn.project.compiled import COMPILED, parse_triggers
from openfn.project.triggers import MessageTrigger
from workbench.project import job_code, job_folders, round_trip
from workbench.project.index_builder import build_index
from workbench.project.references import (
    cycles,
    names_in,
    order_conflicts,
    texts_at,
    unknown_names,
)
from workbench.project.schema.project import ProjectSpec
from workbench.project.schema.validation import validate_project
from workbench.project.yaml_source import Problem, ProjectProblems, YamlSource, read_yaml

PROJECT_FILE = round_trip.PROJECT_FILE
_ADAPTOR_OF_PYTHON = "Only a JavaScript job has an adaptor. A Python job imports its operations."


def check(directory: Path) -> ProjectSpec:
    """Validate a project and its job files. Raises ProjectProblems with all problems."""
    source = read_yaml(directory / PROJECT_FILE)
    project, problems = validate_project(source)
    problems += [*unknown_names(source), *cycles(source), *_job_problems(directory, source)]
    problems += order_conflicts(source, project) if project else ()
    if project is None or problems:
        raise ProjectProblems(problems)
    return project


def check_if_valid(directory: Path) -> ProjectSpec | None:
    """Return a valid project; None for an invalid one, and where there is no project."""
    try:
        return check(directory)
    except ProjectProblems:
        return None


def compile_project(
    source: Path,
    target: Path,
    more_ids: Mapping[str, str] | None = None,
    checked: ProjectSpec | None = None,
) -> None:
    """Write the project layer. `more_ids` adds the SHA-256 of an id to inboxes by name.

    `checked` is the result of `check`, if the caller has it already.
    """
    project = checked or check(source)
    compiled = _values(project)
    filters = message_triggers(project)
    compiled["index"] = build_index(filters)
    for name, credential in compiled["credentials"].items():
        credential["secret_fields"] = secret_fields_of(project, name)
    for name, inbox in compiled["inboxes"].items():
        inbox["ordered"] = any(
            trigger.order_by and trigger.inbox in (None, name) for trigger in filters
        )
        inbox["id_sha256"] += [digest for key, digest in (more_ids or {}).items() if key == name]
    target.mkdir(parents=True, exist_ok=True)
    expressions = [job.expression for job in project.jobs.values()]
    job_folders.copy(source, target, job_folders.folders_of(expressions))
    if scripts := _scripts(expressions):
        scripts.write_compiled(target, expressions)
    compiled["version"] = _digest(compiled, target)
    (target / COMPILED).write_text(json.dumps(compiled, separators=(",", ":")), "utf-8")


def adaptor_of(project: ProjectSpec, credential: str | None) -> str:
    """Return the adaptor of a credential, or "" without one."""
    return project.credentials[credential].adaptor if credential else ""


def secret_fields_of(project: ProjectSpec, credential: str | None) -> list[tuple[str, ...]]:
    """Return the paths of the keys that a credential's adaptor declares secret."""
    if credential is None:
        return []
    adaptor = import_module(f"adaptors.{project.credentials[credential].adaptor}")
    model = getattr(adaptor, "Configuration", None)
    return secret_fields(model) if model else []


def message_triggers(project: ProjectSpec) -> list[MessageTrigger]:
    """Return a project's message filters as the functions load them."""
    compiled = json.loads(json.dumps(_values(project)), parse_float=Decimal)
    triggers = parse_triggers(compiled["triggers"])
    return [trigger for trigger in triggers if isinstance(trigger, MessageTrigger)]


def _values(project: ProjectSpec) -> dict[str, Any]:
    return project.model_dump(mode="json", by_alias=True)


def main() -> int:
    """Compile a project for its layer. Prints its problems and returns 1 if it has any."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        compile_project(source, target)
    except ProjectProblems as problems:
        print(escape_controls(str(problems)), file=sys.stderr)
        return 1
    return 0


def _job_problems(directory: Path, source: YamlSource) -> Iterator[Problem]:
    inboxes, expressions = names_in(source, "inboxes"), list[str]()
    jobs = list(texts_at(source, "jobs", "expression"))
    if scripts := _scripts(map(itemgetter(1), jobs)):
        yield from scripts.adaptor_problems(source)
    for name, _ in texts_at(source, "jobs", "adaptor"):
        if PurePosixPath(dict(jobs).get(name, "")).suffix != SUFFIX:
            yield source.problem(("jobs", name, "adaptor"), _ADAPTOR_OF_PYTHON)
    for name, expression in jobs:
        if message := _path_problem(expression) or _file_problem(directory, expression):
            yield source.problem(("jobs", name, "expression"), message)
        else:
            expressions.append(expression)
            path = (directory / expression).resolve()
            if path.suffix == SUFFIX:
                yield from scripts.problems(path, expression, scripts.adaptor_of(source, name))
            else:
                yield from job_code.problems(path, expression, inboxes)
    yield from job_folders.link_problems(directory, job_folders.folders_of(expressions))


def _path_problem(expression: str) -> str | None:
    path = PurePosixPath(expression)
    if "\\" in expression or not expression.isprintable():
        return "Write the file's path with / between folders."
    is_job = path.suffix in {".py", SUFFIX}
    if not is_job or path.is_absolute() or ".." in path.parts:
        return "Write the path of a .py or .js file inside the project, such as jobs/register.py."
    if len(path.parts) == 1:
        return f"Move the file into a folder: jobs/{expression}."
    if not job_folders.is_deployed(path):
        return (
            "Hidden files and files called credentials or tests are not deployed. "
            "Move this file to another folder."
        )
    return None


def _file_problem(directory: Path, expression: str) -> str | None:
    path = directory / expression
    # Unlike `Path.resolve`, it does not raise for a link to itself.
    if directory.resolve() not in Path(os.path.realpath(path)).parents:
        return "This is a link to a file outside the project. Copy the file into the project."
    if not path.is_file():
        return f"The project has no file {expression}."
    return None


def _scripts(expressions: Iterable[str]) -> Any:
    """Return `javascript_jobs`; None for a project without such jobs, which does not import it."""
    if any(PurePosixPath(expression).suffix == SUFFIX for expression in expressions):
        return import_module("workbench.project.javascript_jobs")
    return None


def _digest(compiled: dict[str, Any], target: Path) -> str:
    digest = hashlib.sha256(json.dumps(compiled, sort_keys=True).encode())
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        if path != target / COMPILED:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(target).as_posix()} {content}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
