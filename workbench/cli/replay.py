"""`ofn replay`: run messages and finished runs of a stack again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from openfn.history import id_lookup, replay_selection
from openfn.history import replay as replays
from openfn.history.replay_selection import ReplayTarget
from openfn.messages.store import Message
from openfn.runs.model import RunStatus
from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, Yes, confirm, console, hints
from workbench.errors import CommandError
from workbench.project.compiler import check_if_valid
from workbench.project.references import require_known
from workbench.stack import connection
from workbench.text import count_of
from workbench.times import parse_time

_LATER = "There is no valid project here, so the stack itself queues them, within a minute."


class EndedStatus(StrEnum):
    """The statuses of a run that can be replayed."""

    FAILED = RunStatus.FAILED
    SUCCEEDED = RunStatus.SUCCEEDED


@dataclass(frozen=True, slots=True)
class Selection:
    """The runs and messages to replay."""

    runs: Sequence[ReplayTarget]
    messages: Sequence[Message] = ()

    def __len__(self) -> int:
        return len(self.runs) + len(self.messages)


def replay(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MESSAGE|RUN",
            help="The id of a run, or of a message to replay its runs and the jobs it matches now.",
        ),
    ] = None,
    job: Annotated[str | None, typer.Option(help="Only runs of this job.")] = None,
    state: Annotated[
        EndedStatus | None, typer.Option(help="Only runs with this status; by default failed.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Start of the period: 90m, 2h or 3d ago, or a date or time (UTC). Failed "
            "runs are selected by when they failed, others by when their message arrived."
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Restart from the first operation instead of resuming."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be replayed.")
    ] = False,
    yes: Yes = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Replay finished runs with the currently deployed jobs."""
    if bool(ids) == bool(job or state or since):
        raise CommandError(
            "Name the ids to replay, or select runs with --job, --state or --since, but not both."
        )
    begin = parse_time("--since", since) if since else None
    not_queued: dict[str, str] = {}
    checked = check_if_valid(project)
    with connection.connected(stack, project, checked):
        if ids:
            complete = [id_lookup.complete(name) for name in ids]
            selection = Selection(*replay_selection.by_ids(complete))
        else:
            selection = Selection(_select(job, state, begin))
        if checked and not selection:
            require_known("job", job, checked.jobs)
        if not as_json:
            _print_selection(selection, with_ids=dry_run)
        if selection and not dry_run:
            if not ids:
                confirm(f"Replay {count_of(len(selection), 'run')}?", yes=yes)
            not_queued = _replay(selection, restart=fresh, shown=not as_json, queue=bool(checked))
    _report(selection, not_queued, dry_run=dry_run, as_json=as_json)


def _select(
    job: str | None, status: EndedStatus | None, since: datetime | None
) -> list[ReplayTarget]:
    if status is not EndedStatus.SUCCEEDED:
        return replay_selection.failed(job, since)
    if job is None:
        raise CommandError("Add --job to name the job whose succeeded runs are replayed.")
    return replay_selection.succeeded(job, since)


def _replay(selection: Selection, *, restart: bool, shown: bool, queue: bool) -> dict[str, str]:
    if not queue:
        hints.print(_LATER)
    with output.progress(console, "queueing", len(selection.runs), shown=shown) as advance:
        runs = replays.replay_runs(
            selection.runs, restart=restart, on_progress=advance, queue=queue
        )
    return runs | replays.replay_messages(selection.messages, queue=queue)


def _print_selection(selection: Selection, *, with_ids: bool) -> None:
    for run in selection.runs if with_ids else ():
        output.line(console, f"{run.id} {run.status}")
    for job, count in sorted(Counter(run.job for run in selection.runs).items()):
        output.line(console, f"{job}: {count_of(count, 'run')}")
    if selection.messages:
        console.print(count_of(len(selection.messages), "message"))
    if not selection:
        console.print("No runs match.")


def _report(
    selection: Selection, not_queued: Mapping[str, str], *, dry_run: bool, as_json: bool
) -> None:
    queued = 0 if dry_run else len(selection) - len(not_queued)
    if as_json:
        runs = [asdict(run) for run in selection.runs]
        report = {"selected": len(selection), "queued": queued, "left": not_queued, "runs": runs}
        output.as_json({**report, "messages": [message.id for message in selection.messages]})
    elif not dry_run:
        for identifier, why in not_queued.items():
            output.line(console, f"{identifier} not queued: {why}")
        console.print(f"{queued} of {len(selection)} queued")
    if not_queued:
        raise typer.Exit(1)
