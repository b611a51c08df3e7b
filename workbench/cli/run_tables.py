"""Print messages and runs: lists of them, and one run with its attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from openfn.history.details import AttemptDetails, RunDetails
from openfn.history.messages import MessageSummary
from openfn.history.pages import Page
from openfn.history.queries import Period
from openfn.history.runs import RunSummary
from workbench.cli import output
from workbench.cli.options import hints
from workbench.times import format_age, format_time

_COLORS = {
    "failed": "red",
    "unmatchable": "red",
    "unreadable": "red",
    "waiting": "yellow",
    "unmatched": "yellow",
    "succeeded": "green",
}
_LOOK_BACK = timedelta(days=30)


def print_messages(console: Console, page: Page[MessageSummary]) -> None:
    """Print a page of messages."""
    rows = [
        (message.id, format_time(message.received), message.inbox, message.state, _runs(message))
        for message in page.rows
    ]
    headers = ("message", "received (UTC)", "inbox", "state", "runs")
    output.table(console, headers, rows, _colors)


def print_runs(console: Console, page: Page[RunSummary]) -> None:
    """Print a page of runs."""
    rows = [
        (run.id, format_time(run.received), run.status, run.job, describe(run)) for run in page.rows
    ]
    headers = ("run", "received (UTC)", "status", "job", "error / duration")
    output.table(console, headers, rows, _colors)


def print_next_page(page: Page[MessageSummary] | Page[RunSummary]) -> None:
    """Print the option that continues a list, and how far back it was searched."""
    option = f"--before '{page.next}'" if "#" in page.next else f"--before {page.next}"
    if page.searched:
        text = f"Searched back to {format_time(page.searched)} UTC. Go on with `{option}`."
        output.line(hints, text)
    elif page.next:
        output.line(hints, f"There are more. Continue with `{option}`.")


def print_no_match(noun: str, period: Period) -> None:
    """Print that a list is empty, and how to look further back."""
    text = f"No {noun} match since {format_time(period.since)[:10]}."
    if period.since > datetime.now(UTC) - _LOOK_BACK:
        text += " Look further back with `--since 30d`."
    hints.print(text)


def print_run(console: Console, run: RunDetails) -> None:
    """Print the log of a run, its status, and its error if it failed."""
    if run.log:
        console.print("[bold]log[/bold]")
        output.line(console, run.log.rstrip())
    duration = "" if run.duration_ms is None else f" in {run.duration_ms} ms"
    output.line(console, f"{run.job} {run.status}{duration}")
    if run.error:
        print_error(console, run.error)


def print_error(console: Console, error: dict[str, Any]) -> None:
    """Print the error of a run with the line and operation that raised it."""
    text = f"line {error['line']}, {error['operation']}: {_error(error)}"
    output.line(console, text, style="red")


def print_attempts(console: Console, attempts: Sequence[AttemptDetails]) -> None:
    """Print the earlier attempts at a run, one line each."""
    for attempt in attempts:
        error = f": {_error(attempt.error)}" if attempt.error else ""
        output.line(
            console, f"attempt {attempt.attempt} {attempt.status} {attempt.finished}{error}"
        )


def describe(run: RunSummary) -> str:
    """Return a run's error, next attempt and upstream job, or else its duration."""
    parts = []
    if run.error and run.status != "succeeded":
        parts.append(_error(run.error))
    if run.next:
        is_due = run.next <= datetime.now(UTC)
        parts.append(f"attempt {run.attempt + 1} {'is due' if is_due else format_age(run.next)}")
    if run.upstream:
        parts.append(f"after {run.upstream}")
    if run.duration_ms is not None and not parts:
        parts.append(f"{run.duration_ms} ms")
    return "; ".join(parts)


def _error(error: dict[str, Any]) -> str:
    return f"{error.get('type', '')}: {error.get('message', '')}"


def _runs(message: MessageSummary) -> str:
    counts = Counter(run.status for run in message.runs)
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))


def _colors(row: Sequence[str]) -> list[str]:
    return [_COLORS.get(cell, "") for cell in row]
