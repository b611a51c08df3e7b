"""`ofn check`: validate a project."""

from __future__ import annotations

from pathlib import Path

import typer

from workbench.cli import output
from workbench.cli.options import Json, Project, console
from workbench.credentials import job_lint, lint
from workbench.project import compatibility, compiler, unused
from workbench.project.schema.project import ProjectSpec
from workbench.project.yaml_source import ProjectProblems
from workbench.text import count_of


def check(project: Project = Path("project"), as_json: Json = False) -> None:
    """Validate a project.

    Prints the file, the line and the fix of each problem.
    """
    try:
        spec = compiler.check(project)
        if refused := [*lint.problems(project, spec)]:
            raise ProjectProblems(refused)
    except ProjectProblems as error:
        if not as_json:
            raise
        problems = [problem.as_dict() for problem in error.problems]
        output.as_json({"mistakes": problems, "notes": []})
        raise typer.Exit(1) from None
    warnings = [
        *compatibility.warnings(project),
        *unused.warnings(project, spec),
        *job_lint.warnings(project, spec),
        *lint.warnings(project, spec),
    ]
    if as_json:
        output.as_json({"mistakes": [], "notes": [warning.as_dict() for warning in warnings]})
        return
    for warning in warnings:
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    console.print(f"{_summary(spec)}. No problems found.")


def _summary(spec: ProjectSpec) -> str:
    inboxes = count_of(len(spec.inboxes), "inbox")
    triggers = count_of(len(spec.triggers), "trigger")
    return f"{spec.name}: {inboxes}, {triggers}, {count_of(len(spec.jobs), 'job')}"
