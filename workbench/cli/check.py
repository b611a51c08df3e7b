"""`ofn check`: validate a project."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from workbench.cli import output
from workbench.cli.options import Json, Project, console
from workbench.credentials import lint
from workbench.project import compiler
from workbench.project.compatibility import notes
from workbench.project.yaml_source import ProjectMistakes


def check(project: Project = Path("project"), as_json: Json = False) -> None:
    """Validate a project.

    Prints the file, the line and the fix of each problem.
    """
    try:
        written = compiler.check(project)
    except ProjectMistakes as mistakes:
        if not as_json:
            raise
        found = [asdict(each) for each in mistakes.mistakes]
        output.as_json({"mistakes": found, "notes": []})
        raise typer.Exit(1) from None
    told = [*notes(project), *lint.notes(project, written.credentials)]
    if as_json:
        output.as_json({"mistakes": [], "notes": [asdict(each) for each in told]})
    else:
        for note in told:
            console.print(f"note: {note}", markup=False, soft_wrap=True)
        counts = [
            f"{len(getattr(written, kind))} {kind}" for kind in ("inboxes", "triggers", "jobs")
        ]
        console.print(f"{written.name}: {', '.join(counts)}; nothing to mend")
