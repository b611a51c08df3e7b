"""`ofn`: the command line of a project."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from openfn import bodies
from openfn.errors import OpenFnError
from openfn.messages import query_params
from openfn.triggers import matchable
from workbench import inboxcommands, show
from workbench.compiler import check as check_project
from workbench.compiler import triggers
from workbench.errors import CannotDo, WorkbenchError
from workbench.explain import explain
from workbench.localcredentials import read_credential
from workbench.options import Json, Project, console
from workbench.trial import attempt
from workbench.yamltext import ProjectMistakes

app = typer.Typer(
    help="OpenFn as serverless functions: check, try and serve a project.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(inboxcommands.app, name="inbox")
_errors = Console(emoji=False, highlight=False, stderr=True)

Event = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="A file with the body of a post.")
]
Query = Annotated[str, typer.Option(help="The query string the inbox URL had, such as site=A.")]

ContentType = Annotated[
    str, typer.Option(help="The body's content type, if it is a form; a .form file is one.")
]


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
        found = [
            {"file": each.file, "line": each.line, "what": each.what} for each in mistakes.mistakes
        ]
        show.as_json({"mistakes": found})
        raise typer.Exit(1) from None
    if as_json:
        show.as_json({"mistakes": []})
    else:
        counts = [
            f"{len(getattr(written, kind))} {kind}" for kind in ("inboxes", "triggers", "jobs")
        ]
        console.print(f"{written.name}: {', '.join(counts)}; nothing to mend")


@app.command()
def match(
    event: Event,
    inbox: Annotated[str | None, typer.Option(help="The inbox it came to; else any.")] = None,
    query: Query = "",
    content_type: ContentType = "",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show which triggers a body matches, and where it parts ways with the others."""
    written = check_project(project)
    _known("inbox", inbox, written.inboxes)
    parsed = bodies.parse_exact(event.read_bytes(), _headers(event, content_type))
    body = matchable(parsed, query_params(query.removeprefix("?")))
    verdicts = [explain(trigger, inbox, body) for trigger in triggers(written)]
    jobs = {
        name: [job for job, each in written.jobs.items() if each.trigger == name]
        for name in written.triggers
    }
    if as_json:
        rows = [
            {"trigger": v.trigger, "matches": v.matches, "jobs": jobs[v.trigger], "why": v.why}
            for v in verdicts
        ]
        show.as_json(rows)
        return
    show.verdicts(console, verdicts, jobs)


@app.command("try")
def try_job(
    job: Annotated[str, typer.Argument(help="The name of a job in project.yaml.")],
    event: Event,
    credential: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A JSON file with the credential's body."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the requests, send none.")
    ] = False,
    query: Query = "",
    content_type: ContentType = "",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Run one job on a saved body, here, without AWS."""
    written = check_project(project)
    _known("job", job, written.jobs)
    chosen = written.jobs[job]
    own = project / "credentials" / f"{chosen.credential}.json"
    file = credential or (own if own.is_file() else None)
    configuration = read_credential(file) if file else {}
    if dry_run and not file and chosen.credential:
        configuration = {"baseUrl": f"https://{chosen.credential}.invalid"}
    trial = attempt(
        project.resolve() / chosen.expression,
        event.read_bytes(),
        configuration,
        query_params(query.removeprefix("?")),
        dry=dry_run,
        headers=_headers(event, content_type),
    )
    if as_json:
        show.as_json(trial.as_dict())
    else:
        show.trial(console, job, trial)
    if trial.error:
        raise typer.Exit(1)


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
    from workbench import serve as serving  # noqa: PLC0415 - moto takes a second to import

    serving.serve(project, port, aws_port, credentials or project / "credentials", console)


@app.command()
def demo(project: Project = Path("project"), as_json: Json = False) -> None:
    """Send real posts through the example project to a destination on this machine."""
    from workbench.demo import demonstrate  # noqa: PLC0415 - moto takes a second to import

    if as_json:
        journeys = demonstrate(project, lambda _step: None)
        show.as_json([journey.as_dict() for journey in journeys])
    else:
        with show.steps(console) as step:
            journeys = demonstrate(project, step)
        show.journeys(console, journeys)
    if not all(journey.arrived for journey in journeys):
        raise typer.Exit(1)


def _known(kind: str, name: str | None, names: Mapping[str, Any]) -> None:
    if name is not None and name not in names:
        raise CannotDo(f"the project has no {kind} {name}; it has {', '.join(names)}")


def _headers(event: Path, content_type: str) -> dict[str, str]:
    form = "application/x-www-form-urlencoded" if event.suffix == ".form" else ""
    return {"content-type": content_type or form}
