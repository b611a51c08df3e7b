"""project.yaml and its job files → the project layer, validated.

    python -m workbench.project.compiler SOURCE TARGET

What the functions read is one JSON file with the job files beside it; nothing is validated or
parsed from YAML in Lambda. Every job file is loaded once here, so that a misspelt operation or a
missing import stops the build and not a run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from openfn.errors import JobError, ProjectError
from openfn.jobs import output_capture
from openfn.jobs.expression import load
from openfn.project.compiled import COMPILED, parse_triggers
from openfn.project.triggers import MessageTrigger
from workbench.project.index_builder import prepare
from workbench.project.job_lint import emitted_nowhere, unrun
from workbench.project.references import circles, dangling, entries, names
from workbench.project.schema.project import ProjectWritten, validated
from workbench.project.yaml_source import Mistake, ProjectMistakes, Source, read

PROJECT_FILE = "project.yaml"
# What lies beside a job is deployed with it, but never a secret, and no test.
_NOT_DEPLOYED = ("__pycache__", ".*", "credentials", "credentials.json", "tests")
_REMEDIES = {
    "ImportError": "is the name spelt right?",
    "ModuleNotFoundError": "is it spelt right, and does it lie beside the job?",
    "NameError": "is it spelt right, and imported?",
}


def check(directory: Path) -> ProjectWritten:
    """Validate a project and its job files; raises `ProjectMistakes` with all that is wrong."""
    source = read(directory / PROJECT_FILE)
    project, mistakes = validated(source)
    mistakes += [*dangling(source), *circles(source), *_broken_jobs(directory, source)]
    if project is None or mistakes:
        raise ProjectMistakes(mistakes)
    return project


def compile_project(source: Path, target: Path, more_ids: Mapping[str, str] | None = None) -> None:
    """Write the project layer's content; `more_ids` adds a SHA-256 to inboxes by name."""
    project = check(source)
    compiled = project.model_dump(mode="json")
    messages = message_triggers(project)
    compiled["index"] = prepare(messages)
    for name, inbox in compiled["inboxes"].items():
        inbox["ordered"] = any(e.order_by and e.inbox in (None, name) for e in messages)
        inbox["id_sha256"] += [digest for each, digest in (more_ids or {}).items() if each == name]
    target.mkdir(parents=True, exist_ok=True)
    for directory in {PurePosixPath(job.expression).parent for job in project.jobs.values()}:
        shutil.copytree(
            source / directory,
            target / directory,
            ignore=shutil.ignore_patterns(*_NOT_DEPLOYED),
            ignore_dangling_symlinks=True,
            dirs_exist_ok=True,
        )
    compiled["version"] = _digest(compiled, target)
    (target / COMPILED).write_text(json.dumps(compiled, separators=(",", ":")), "utf-8")


def message_triggers(project: ProjectWritten) -> list[MessageTrigger]:
    """Give a project's message filters as the functions have them once they are compiled."""
    compiled = json.loads(json.dumps(project.model_dump(mode="json")), parse_float=Decimal)
    triggers = parse_triggers(compiled["triggers"])
    return [each for each in triggers if isinstance(each, MessageTrigger)]


def main() -> int:
    """Compile a project for its layer; 1 and the mistakes on standard error if it has any."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        compile_project(source, target)
    except ProjectMistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return 1
    return 0


def _broken_jobs(directory: Path, source: Source) -> Iterator[Mistake]:
    inboxes = names(source, "inboxes")
    for name, expression in entries(source, "jobs", "expression"):
        if what := _misnamed(expression) or _misplaced(directory, expression):
            yield source.mistake(("jobs", name, "expression"), what)
        else:
            yield from _mistakes_in((directory / expression).resolve(), expression, inboxes)


def _misnamed(expression: str) -> str | None:
    path = PurePosixPath(expression)
    if "\\" in expression or not expression.isprintable():
        return "write the file's path with / between folders"
    if path.suffix != ".py" or path.is_absolute() or ".." in path.parts:
        return "name a .py file inside the project, such as jobs/register.py"
    if len(path.parts) == 1:
        return f"put the file in a folder: jobs/{expression}"
    if any(PurePosixPath(part).match(each) for part in path.parts for each in _NOT_DEPLOYED):
        return (
            "what is hidden or called credentials or tests is not deployed; put the file elsewhere"
        )
    return None


def _misplaced(directory: Path, expression: str) -> str | None:
    path = directory / expression
    if directory.resolve() not in path.resolve().parents:
        return "the file lies outside the project, behind a link; copy it into the project"
    if not path.is_file():
        return f"there is no file {expression} in the project's folder"
    return None


def _mistakes_in(path: Path, shown: str, inboxes: Collection[str]) -> list[Mistake]:
    try:
        compile(path.read_bytes(), shown, "exec", dont_inherit=True)
        with output_capture.capture(lambda _text: None):
            load(path)
    except SyntaxError as error:
        return [Mistake(shown, error.lineno or 1, f"not Python: {error.msg}")]
    except JobError as error:
        remedy = f"; {_REMEDIES[error.type]}" if error.type in _REMEDIES else ""
        return [Mistake(shown, error.line, f"{error.type}: {error.message}{remedy}")]
    except (ProjectError, ValueError, OSError) as error:
        return [Mistake(shown, 1, str(error))]
    code = path.read_bytes()
    return [
        Mistake(shown, line, what)
        for line, what in sorted({*unrun(code), *emitted_nowhere(code, inboxes)})
    ]


def _digest(compiled: dict[str, Any], target: Path) -> str:
    digest = hashlib.sha256(json.dumps(compiled, sort_keys=True).encode())
    for path in sorted(each for each in target.rglob("*") if each.is_file()):
        if path != target / COMPILED:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(target).as_posix()} {content}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
