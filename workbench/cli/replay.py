"""`ofn replay`: runs that have ended, run again in a stack."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from openfn.history import replay as replays
from openfn.history import replay_selection
from openfn.history.replay_selection import Selected
from openfn.messages.store import Message
from openfn.runs.model import RunStatus
from workbench.cli import output, times
from workbench.cli.options import Json, Project, Stack, Yes, confirm, console
from workbench.errors import CommandError
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.stack import connection
from workbench.text import count_of

_BOTH_WAYS = "give ids of messages and runs, or select runs by --job, --state and --since: not both"


class State(StrEnum):
    """How the runs that are to be replayed have ended."""

    FAILED = RunStatus.FAILED
    SUCCEEDED = RunStatus.SUCCEEDED


def replay(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MESSAGE|RUN",
            help="The id of a run, or of a message: its own runs, and those it starts by now.",
        ),
    ] = None,
    job: Annotated[str | None, typer.Option(help="Runs of this job.")] = None,
    state: Annotated[
        State | None, typer.Option(help="Runs that have ended so; by default failed.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Runs that failed, or whose message came, in the last 90m, 2h or 3d."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, not where the run failed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list and count what would be replayed.")
    ] = False,
    yes: Yes = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Run again, in a stack, what has ended: with the jobs as they are deployed by now."""
    if bool(ids) == bool(job or state or since):
        raise CommandError(_BOTH_WAYS)
    require_known("job", job, check(project).jobs)
    begin = times.moment("--since", since) if since else None
    with connection.connected(stack, project):
        chosen, messages = replay_selection.named(ids) if ids else (_select(job, state, begin), [])
        if not as_json:
            output.selected(console, chosen, len(messages), each=dry_run)
        if dry_run or not chosen + messages:
            left: dict[str, str] = {}
        else:
            if not ids:
                confirm(f"replay {count_of(len(chosen), 'run')}?", yes=yes)
            left = _replay(chosen, messages, restart=restart, shown=not as_json)
    _tell(chosen, messages, left, dry=dry_run, as_json=as_json)


def _select(job: str | None, state: State | None, since: datetime | None) -> list[Selected]:
    if state is not State.SUCCEEDED:
        return replay_selection.failed(job, since)
    if job is None:
        raise CommandError("name the job whose succeeded runs are to be replayed, with --job")
    return replay_selection.succeeded(job, since)


def _replay(
    chosen: Sequence[Selected], messages: Sequence[Message], *, restart: bool, shown: bool
) -> dict[str, str]:
    with output.bar(console, "queueing", len(chosen), shown=shown) as advance:
        left = replays.replay_runs(chosen, restart=restart, advance=advance)
    return left | replays.replay_messages(messages)


def _tell(
    chosen: Sequence[Selected],
    messages: Sequence[Message],
    left: dict[str, str],
    *,
    dry: bool,
    as_json: bool,
) -> None:
    total = len(chosen) + len(messages)
    queued = 0 if dry else total - len(left)
    if as_json:
        selected = [{"id": each.id, "job": each.job, "status": each.status} for each in chosen]
        found = {"selected": total, "queued": queued, "left": left, "runs": selected}
        output.as_json({**found, "messages": [message.id for message in messages]})
    elif not dry:
        for identifier, why in left.items():
            console.print(f"{identifier} not queued: {why}", markup=False, soft_wrap=True)
        console.print(f"{queued} of {total} queued")
    if left:
        raise typer.Exit(1)
