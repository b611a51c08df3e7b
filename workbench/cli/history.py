"""`ofn messages` and `ofn runs`: the messages and runs of a stack, newest first."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from openfn.history import id_lookup, pages, search
from openfn.history import messages as message_history
from openfn.history import runs as run_history
from openfn.history.messages import MessageState, MessageSummary
from openfn.history.pages import Page
from openfn.history.queries import Period
from openfn.history.runs import RunSummary
from openfn.runs.model import RunStatus
from workbench.cli import output, run_tables
from workbench.cli.options import Json, Project, Stack, console
from workbench.errors import CommandError
from workbench.project.compiler import check_if_valid
from workbench.project.references import require_known
from workbench.stack import connection
from workbench.times import parse_time

Since = Annotated[
    str, typer.Option(help="Start of the period: 90m, 2h or 3d ago, or a date or time (UTC).")
]
Until = Annotated[str | None, typer.Option(help="End of the period; by default now.")]
Limit = Annotated[int, typer.Option(min=1, help="Show at most this many.")]
Before = Annotated[
    str, typer.Option(metavar="ID", help="Continue after this id, the last one that was shown.")
]
SECONDS = 60.0
"""How long a list is read at most, if few of its messages or runs match."""


def messages(
    inbox: Annotated[str | None, typer.Option(help="Only messages of this inbox.")] = None,
    job: Annotated[str | None, typer.Option(help="Only messages with a run of this job.")] = None,
    state: Annotated[MessageState | None, typer.Option(help="Only messages in this state.")] = None,
    since: Since = "7d",
    until: Until = None,
    error: Annotated[
        str, typer.Option(help="Only messages with a run whose error contains this text.")
    ] = "",
    search_text: Annotated[
        str, typer.Option("--search", help="Only messages whose body or id contains this text.")
    ] = "",
    limit: Limit = 20,
    before: Before = "",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """List the messages of a stack with their runs, newest first."""

    def matches(message: MessageSummary) -> bool:
        return (
            inbox in (None, message.inbox)
            and state in (None, message.state)
            and (job is None or any(run.job == job for run in message.runs))
            and (not error or any(_error_contains(run, error) for run in message.runs))
        )

    period = _period(since, until)
    with connection.connected(stack, project):
        period = replace(period, before=id_lookup.complete(before))
        if search_text:
            pairs = search.newest_first(period, search_text, matches)
        else:
            pairs = ((item, matches(item)) for item in message_history.newest_first(period))
        page = pages.read(pairs, limit, SECONDS)
    if not page.rows:
        _require_known(project, inbox, job)
    if page.rows and not as_json:
        run_tables.print_messages(console, page)
    _print_rest("messages", page, period, as_json=as_json)


def runs(
    inbox: Annotated[str | None, typer.Option(help="Only runs for messages of this inbox.")] = None,
    job: Annotated[str | None, typer.Option(help="Only runs of this job.")] = None,
    state: Annotated[RunStatus | None, typer.Option(help="Only runs with this status.")] = None,
    since: Since = "7d",
    until: Until = None,
    error: Annotated[str, typer.Option(help="Only runs whose error contains this text.")] = "",
    limit: Limit = 20,
    before: Before = "",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """List the runs of a stack with their status, error and next attempt, newest first."""

    def matches(run: RunSummary) -> bool:
        return job in (None, run.job) and (not error or _error_contains(run, error))

    period = _period(since, until)
    with connection.connected(stack, project):
        period = replace(period, before=id_lookup.complete(before))
        pairs = run_history.search(period, state, inbox)
        page = pages.read(((run, ok and matches(run)) for run, ok in pairs), limit, SECONDS)
    if not page.rows:
        _require_known(project, inbox, job)
    if page.rows and not as_json:
        run_tables.print_runs(console, page)
    _print_rest("runs", page, period, as_json=as_json)


def _print_rest(
    noun: str, page: Page[MessageSummary] | Page[RunSummary], period: Period, *, as_json: bool
) -> None:
    """Print a page as JSON, and where its list goes on or how to look further back."""
    if as_json:
        output.as_json([_as_dict(summary) for summary in page.rows])
    elif not page.rows and not page.searched:
        run_tables.print_no_match(noun, period)
    if page.searched or not as_json:
        run_tables.print_next_page(page)


def _require_known(project: Path, inbox: str | None, job: str | None) -> None:
    """Raise CommandError if nothing is listed because a name is misspelled."""
    if checked := check_if_valid(project):
        require_known("inbox", inbox, checked.inboxes)
        require_known("job", job, checked.jobs)


def _period(since: str, until: str | None) -> Period:
    # The clocks of two machines differ by seconds, and the newest message must be in the list.
    latest = datetime.now(UTC) + timedelta(minutes=1)
    begin, end = parse_time("--since", since), parse_time("--until", until) if until else latest
    if begin > end:
        raise CommandError(f"--since {since} is later than --until {until or 'now'}.")
    return Period(begin, end)


def _error_contains(run: RunSummary, text: str) -> bool:
    return run.error is not None and text.lower() in " ".join(map(str, run.error.values())).lower()


def _as_dict(summary: MessageSummary | RunSummary) -> dict[str, Any]:
    values = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(summary).items()
        if name not in ("runs", "kind")
    }
    if isinstance(summary, MessageSummary):
        values["runs"] = [_as_dict(run) for run in summary.runs]
    return values
