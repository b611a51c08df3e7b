"""`ofn try` and `ofn run`: run one job on this machine or in a stack."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.markup import escape

from adaptors._runtime.dry_run import Dry, DryStatement
from openfn import ids
from openfn.history import details
from openfn.history.details import RunDetails
from openfn.messages.store import parse_query
from openfn.project.triggers import Kind
from openfn.runs import dispatch
from openfn.runs.model import Plan
from workbench.cli import output, run_tables
from workbench.cli.options import ContentType, Event, Json, Project, Query, Stack, console
from workbench.credentials import placeholders
from workbench.credentials.files import file_of, read_credential
from workbench.errors import CommandError
from workbench.project.compiler import check, secret_fields_of
from workbench.project.references import require_known
from workbench.project.schema.project import ProjectSpec
from workbench.project.schema.trigger import CronTriggerSpec
from workbench.stack import connection
from workbench.terminal import escape_json
from workbench.testing.local_run import (
    LocalRun,
    run_locally,
    state_from_post,
    state_without_post,
)
from workbench.testing.saved_posts import headers_of
from workbench.text import count_of, describe_json_error

Job = Annotated[str, typer.Argument(help="The name of a job in project.yaml.")]


def try_job(
    job: Job,
    event: Event = None,
    state: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A JSON file with the initial state, for a job that no message starts.",
        ),
    ] = None,
    credential: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A JSON file with the credential."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the requests but do not send them.")
    ] = False,
    query: Query = "",
    content_type: ContentType = "",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Run a job on this machine, on a saved post or a state."""
    spec = check(project)
    require_known("job", job, spec.jobs)
    job_spec = spec.jobs[job]
    if event:
        params = parse_query(query.removeprefix("?"))
        initial = state_from_post(event.read_bytes(), params, headers_of(event, content_type))
    else:
        custom = _read_state(state) if state else None
        initial = state_without_post(job, spec.triggers[job_spec.trigger], custom)
    local_run = run_locally(
        project.resolve() / job_spec.expression,
        initial,
        _configuration(project, spec, job_spec.credential, credential, dry=dry_run),
        dry=dry_run,
        secret_fields=secret_fields_of(spec, job_spec.credential),
        inboxes=spec.inboxes,
        missing_is_null=spec.missing is None,
    ).masked()
    if as_json:
        output.as_json(local_run.as_dict())
    else:
        print_local_run(console, job, local_run)
    if local_run.error:
        raise typer.Exit(1)


def run(
    job: Job,
    stack: Stack = "openfn",
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the run to end; 0 does not wait.")
    ] = 60,
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Run a cron job of a stack now and show its result."""
    spec = check(project)
    require_known("job", job, spec.jobs)
    trigger = spec.jobs[job].trigger
    if not isinstance(spec.triggers[trigger], CronTriggerSpec):
        raise CommandError(
            f"{job} is not a cron job. Post a message to start it, or run it on this machine with "
            f"`ofn try {job}`."
        )
    plan = Plan(ids.new_message_id(), job, trigger, Kind.CRON, order=Kind.CRON)
    with connection.connected(stack, project, spec):
        if errors := dispatch.create_and_queue([plan]):
            raise CommandError(f"The run could not be queued: {errors[plan.id]}")
        record = _wait_for_end(plan.id, wait)
    if as_json:
        output.as_json({"run_id": plan.id} if record is None else asdict(record))
    elif record:
        run_tables.print_run(console, record)
    else:
        console.print(f"{plan.id} is queued", markup=False)
    if record and record.error:
        raise typer.Exit(1)


def print_local_run(console: Console, job: str, local_run: LocalRun) -> None:
    """Print the requests of a dry run, the log, and the final state or the error."""
    for request in local_run.requests:
        _print_request(console, request)
    for inbox, body in local_run.emitted:
        console.print(f"[bold]would emit[/bold] to {inbox}")
        console.print(f"  {body}", markup=False, soft_wrap=True)
    if local_run.log:
        console.print("[bold]log[/bold]")
        console.print(local_run.log.rstrip(), markup=False, soft_wrap=True)
    if local_run.error:
        console.print(f"[red]{job} failed[/red]: {escape(str(local_run.error))}", soft_wrap=True)
    else:
        console.print(f"[green]{job} succeeded[/green]. Final state:")
        final = json.dumps(local_run.final, indent=2, ensure_ascii=False)
        console.print(JSONHighlighter()(escape_json(final)), soft_wrap=True)


def _print_request(console: Console, request: Dry) -> None:
    if isinstance(request, DryStatement):
        console.print(f"[bold]would execute[/bold] {escape(request.sql)}", soft_wrap=True)
        if request.values:
            more = f" and {count_of(request.rows - 1, 'more row')}" if request.rows > 1 else ""
            console.print(f"  {list(request.values)!r}{more}", markup=False, soft_wrap=True)
        return
    console.print(f"[bold]would send[/bold] {request.method} {escape(request.url)}", soft_wrap=True)
    for name, value in request.headers.items():
        console.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    if request.body:
        console.print(f"  {request.body.decode('utf-8', 'replace')}", markup=False, soft_wrap=True)


def _wait_for_end(run_id: str, seconds: float) -> RunDetails | None:
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0:
        record = details.run(run_id)
        if record and record.status.has_ended:
            return record
        time.sleep(min(0.5, remaining))
    return None


def _configuration(
    project: Path, spec: ProjectSpec, name: str | None, file: Path | None, *, dry: bool
) -> dict[str, Any]:
    default = file_of(project, name)
    file = file or (default if default.is_file() else None)
    if file:
        return read_credential(file)
    return placeholders.credential(spec, name) if dry else {}


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_bytes())
    except ValueError as error:
        raise CommandError(f"{path} is not a state. {describe_json_error(error)}") from None
    if not isinstance(state, dict):
        raise CommandError(f"{path} is not a state. It must contain a JSON object.")
    return state
