"""`ofn try` and `ofn run`: one job, here or in a stack."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from adaptors._runtime.dry_run import Dry, DryStatement
from openfn import ids
from openfn.history import details
from openfn.history.details import RunRecord
from openfn.messages.store import parse_query
from openfn.project.triggers import Kind
from openfn.runs import dispatch
from openfn.runs.model import Plan, RunStatus
from workbench.cli import output
from workbench.cli.options import ContentType, Event, Json, Project, Query, Stack, console
from workbench.credentials import placeholders
from workbench.credentials.files import file_of, read_credential
from workbench.errors import CommandError
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.project.schema.project import ProjectWritten
from workbench.project.schema.trigger import CronWritten
from workbench.stack import connection
from workbench.testing.local_run import Trial, attempt, posted, unposted
from workbench.testing.saved_posts import headers_of
from workbench.text import count_of

Job = Annotated[str, typer.Argument(help="The name of a job in project.yaml.")]


def try_job(
    job: Job,
    event: Event = None,
    state: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A JSON file with the state to begin with, for a job that no message starts.",
        ),
    ] = None,
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
    """Run one job on a saved body or state, here, without AWS."""
    written = check(project)
    require_known("job", job, written.jobs)
    chosen = written.jobs[job]
    if event:
        params = parse_query(query.removeprefix("?"))
        begun = posted(event.read_bytes(), params, headers_of(event, content_type))
    else:
        given = _state(state) if state else None
        begun = unposted(job, written.triggers[chosen.trigger], given)
    trial = attempt(
        project.resolve() / chosen.expression,
        begun,
        _configuration(project, written, chosen.credential, credential, dry=dry_run),
        dry=dry_run,
        inboxes=written.inboxes,
    )
    if as_json:
        output.as_json(trial.as_dict())
    else:
        print_local_run(console, job, trial)
    if trial.error:
        raise typer.Exit(1)


def run(
    job: Job,
    stack: Stack = "openfn",
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for its end; 0: do not wait.")
    ] = 60,
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Start a job of the clock now, in a stack, and show how it ended."""
    written = check(project)
    require_known("job", job, written.jobs)
    trigger = written.jobs[job].trigger
    if not isinstance(written.triggers[trigger], CronWritten):
        raise CommandError(
            f"{job} is not started by the clock: post a message, or `ofn try {job}` runs it here"
        )
    plan = Plan(ids.new_message_id(), job, trigger, Kind.CRON, order=Kind.CRON)
    with connection.connected(stack, project):
        if refused := dispatch.create_and_queue([plan]):
            raise CommandError(f"the run queue did not take it: {refused[plan.id]}")
        record = _waited(plan.id, wait)
    if as_json:
        output.as_json({"run_id": plan.id} if record is None else asdict(record))
    elif record:
        output.run(console, record)
    else:
        console.print(f"{plan.id} is queued", markup=False)
    if record and record.error:
        raise typer.Exit(1)


def _waited(run_id: str, seconds: float) -> RunRecord | None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        record = details.run(run_id)
        if record and RunStatus(record.status).has_ended:
            return record
        time.sleep(min(0.5, left))
    return None


def _configuration(
    project: Path, written: ProjectWritten, name: str | None, given: Path | None, *, dry: bool
) -> dict[str, Any]:
    own = file_of(project, name)
    file = given or (own if own.is_file() else None)
    if file:
        return read_credential(file)
    return placeholders.credential(written, name) if dry else {}


def _state(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise CommandError(f"{path} is not a state: a JSON object belongs in it")
    return found


def print_local_run(console: Console, job: str, found: Trial) -> None:
    """Show how a job ended: its requests if none were sent, its log, its final state or error."""
    for sent in found.requests:
        _dry(console, sent)
    for inbox, body in found.emitted:
        console.print(f"[bold]would emit[/bold] to {inbox}")
        console.print(f"  {body}", markup=False, soft_wrap=True)
    if found.log:
        console.print("[bold]log[/bold]")
        console.print(found.log.rstrip(), markup=False, soft_wrap=True)
    if found.error:
        console.print(f"[red]{job} failed[/red]: {escape(str(found.error))}", soft_wrap=True)
    else:
        console.print(f"[green]{job} succeeded[/green]; its final state:")
        console.print_json(json.dumps(found.final))


def _dry(console: Console, sent: Dry) -> None:
    if isinstance(sent, DryStatement):
        console.print(f"[bold]would execute[/bold] {escape(sent.sql)}", soft_wrap=True)
        if sent.values:
            more = f" and {count_of(sent.rows - 1, 'more row')}" if sent.rows > 1 else ""
            console.print(f"  {list(sent.values)!r}{more}", markup=False, soft_wrap=True)
        return
    console.print(f"[bold]would send[/bold] {sent.method} {escape(sent.url)}", soft_wrap=True)
    for name, value in sent.headers.items():
        console.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    if sent.body:
        console.print(f"  {sent.body.decode('utf-8', 'replace')}", markup=False, soft_wrap=True)
