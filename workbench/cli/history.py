"""`ofn messages` and `ofn runs`: what a stack has kept, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from openfn.history import messages as history
from openfn.history.messages import ListedMessage, ListedRun, Span
from openfn.runs.model import RunStatus
from workbench.cli import output, run_tables
from workbench.cli.options import Json, Project, Stack, console
from workbench.cli.times import moment
from workbench.errors import CommandError
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.stack import connection

Since = Annotated[
    str, typer.Option(help="From 90m, 2h or 3d ago, or from a date or time (UTC), on.")
]
Until = Annotated[str | None, typer.Option(help="Up to then; by default now.")]
Limit = Annotated[int, typer.Option(min=1, help="How many to show.")]
Before = Annotated[str, typer.Option(metavar="ID", help="Go on behind the last that was shown.")]
Error = Annotated[str, typer.Option(help="Runs whose error has this text in it.")]
Item = TypeVar("Item", ListedMessage, ListedRun)


class MessageState(StrEnum):
    """What became of a message."""

    MATCHED = history.MATCHED
    UNMATCHED = history.UNMATCHED
    UNREADABLE = history.UNREADABLE
    KEPT = history.KEPT


def messages(
    inbox: Annotated[str | None, typer.Option(help="Messages of this inbox.")] = None,
    job: Annotated[str | None, typer.Option(help="Messages with a run of this job.")] = None,
    state: Annotated[MessageState | None, typer.Option(help="Messages of this state.")] = None,
    since: Since = "7d",
    until: Until = None,
    error: Error = "",
    limit: Limit = 20,
    before: Before = "",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """List messages that a stack has kept, the newest first, with the runs on them."""
    written = check(project)
    require_known("inbox", inbox, written.inboxes)
    require_known("job", job, written.jobs)

    def wanted(each: ListedMessage) -> bool:
        return (
            inbox in (None, each.inbox)
            and state in (None, each.state)
            and (job is None or any(run.job == job for run in each.runs))
            and (not error or any(_says(run, error) for run in each.runs))
        )

    span = _span(since, until, before)
    with connection.connected(stack, project):
        found, more = _taken(history.read_messages(span), wanted, limit)
    if as_json:
        output.as_json([_plain(each) for each in found])
    else:
        run_tables.messages(console, found, f"--before {found[-1].id}" if more else "")


def runs(
    inbox: Annotated[
        str | None, typer.Option(help="Runs that go back to a message of this inbox.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="Runs of this job.")] = None,
    state: Annotated[RunStatus | None, typer.Option(help="Runs that stand so.")] = None,
    since: Since = "7d",
    until: Until = None,
    error: Error = "",
    limit: Limit = 20,
    before: Before = "",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """List runs of a stack, the newest first: how each stands, its error and its next attempt."""
    written = check(project)
    require_known("inbox", inbox, written.inboxes)
    require_known("job", job, written.jobs)

    def wanted(each: ListedRun) -> bool:
        return job in (None, each.job) and (not error or _says(each, error))

    span = _span(since, until, before)
    with connection.connected(stack, project):
        found, more = _taken(history.read_runs(span, state, inbox), wanted, limit)
    if as_json:
        output.as_json([_plain(each) for each in found])
    else:
        run_tables.runs(console, found, f"--before '{found[-1].id}'" if more else "")


def _span(since: str, until: str | None, before: str) -> Span:
    now = datetime.now(UTC)
    begin, end = moment("--since", since), moment("--until", until) if until else now
    if begin > end:
        raise CommandError(f"--since {since} is later than --until {until or 'now'}")
    # Two clocks differ by seconds, and what was posted a moment ago is to be there.
    return Span(begin, end if until else now + timedelta(minutes=1), before)


def _says(run: ListedRun, text: str) -> bool:
    return (
        bool(run.error) and text.lower() in " ".join(map(str, (run.error or {}).values())).lower()
    )


def _taken(
    found: Iterable[Item], wanted: Callable[[Item], bool], limit: int
) -> tuple[list[Item], bool]:
    chosen: Iterator[Item] = (each for each in found if wanted(each))
    taken = list(islice(chosen, limit + 1))
    return taken[:limit], len(taken) > limit


def _plain(each: ListedMessage | ListedRun) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(each).items()
        if name != "runs"
    } | ({"runs": [_plain(run) for run in each.runs]} if isinstance(each, ListedMessage) else {})
