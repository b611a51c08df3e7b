"""`ofn`: the command line of a project."""

from __future__ import annotations

import sys
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from openfn.errors import OpenFnError
from workbench.cli import (
    cost,
    credential,
    dead_letters,
    history,
    inbox,
    job,
    match,
    new_adaptor,
    output,
    replay,
    status,
    test,
)
from workbench.cli import show as showcommand
from workbench.cli.options import Json, Project, console
from workbench.credentials import lint
from workbench.errors import WorkbenchError
from workbench.project.compatibility import notes
from workbench.project.compiler import check as check_project
from workbench.project.yaml_source import ProjectMistakes

app = typer.Typer(
    help="OpenFn as serverless functions: check, try and serve a project.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(inbox.app, name="inbox")
app.add_typer(credential.app, name="credential")
app.command("match")(match.match)
app.command("try")(job.try_job)
app.command("test", context_settings=test.ANYTHING)(test.run_tests)
app.command("run")(job.run)
app.command("new-adaptor")(new_adaptor.new_adaptor)
app.command("status")(status.status)
app.command("messages")(history.messages)
app.command("runs")(history.runs)
app.command("show")(showcommand.show_one)
app.command("logs")(showcommand.logs)
app.command("cost")(cost.cost)
app.command("replay")(replay.replay)
app.add_typer(dead_letters.app, name="dead-letters")
_errors = Console(emoji=False, highlight=False, stderr=True)


def main() -> None:
    """Run a command; mistakes are said in words, with exit status 1."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: never a crash
    try:
        app()
    except (ProjectMistakes, OpenFnError, WorkbenchError) as error:
        _errors.print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(1)


@app.command()
def check(project: Project = Path("project"), as_json: Json = False) -> None:
    """Say what is wrong with a project, with file, line and remedy."""
    try:
        written = check_project(project)
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


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the inboxes; 0 picks a free one.")
    ] = 8080,
    aws_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the AWS services; 0: a free one.")
    ] = 5000,
    credentials: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder of NAME.json files; else PROJECT/credentials.",
        ),
    ] = None,
    project: Project = Path("project"),
) -> None:
    """Run the stack on this machine until Ctrl-C; it keeps its data in memory."""
    from workbench.local import serve as serving  # noqa: PLC0415 - moto takes a second to import

    serving.serve(project, port, aws_port, credentials or project / "credentials", console)


@app.command()
def demo(project: Project = Path("project"), as_json: Json = False) -> None:
    """Send real posts through the example project to a destination on this machine."""
    from workbench.local.demo import demonstrate  # noqa: PLC0415 - moto takes a second to import

    if as_json:
        journeys = demonstrate(project, lambda _step: None)
        output.as_json([journey.as_dict() for journey in journeys])
    else:
        with output.steps(console) as step:
            journeys = demonstrate(project, step)
        output.journeys(console, journeys)
    if not all(journey.arrived for journey in journeys):
        raise typer.Exit(1)
