"""`ofn run`: run a cron job of a stack now."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openfn import ids
from openfn.history import details
from openfn.history.details import RunDetails
from openfn.project.triggers import Kind
from openfn.runs import dispatch
from openfn.runs.model import Plan
from workbench.cli import output, run_tables
from workbench.cli.options import Json, Project, Stack, console
from workbench.errors import CommandError
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.project.schema.trigger import CronTriggerSpec
from workbench.stack import connection

Job = Annotated[str, typer.Argument(help="The name of a job in project.yaml.")]


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
    triggers = spec.jobs[job].trigger
    cron = [name for name in triggers if isinstance(spec.triggers[name], CronTriggerSpec)]
    if not cron:
        raise CommandError(
            f"{job} is not a cron job. Post a message to start it, or run it on this machine with "
            f"`ofn try {job}`."
        )
    plan = Plan(ids.new_message_id(), job, cron[0], Kind.CRON, order=Kind.CRON)
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


def _wait_for_end(run_id: str, seconds: float) -> RunDetails | None:
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0:
        record = details.run(run_id)
        if record and record.status.has_ended:
            return record
        time.sleep(min(0.5, remaining))
    return None
