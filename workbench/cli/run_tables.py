"""Lists of messages and runs for people: a table on a terminal, a line for each elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from openfn.history.messages import ListedMessage, ListedRun
from workbench.cli.times import age, written

_COLORS = {
    "failed": "red",
    "unreadable": "red",
    "waiting": "yellow",
    "unmatched": "yellow",
    "succeeded": "green",
}


def messages(console: Console, found: Sequence[ListedMessage], more: str) -> None:
    """Show messages; `more` is the option that goes on where the list ends."""
    rows = [
        (each.id, written(each.received), each.inbox, each.state, _told(each)) for each in found
    ]
    _rows(console, ("message", "received (UTC)", "inbox", "", "runs"), rows, state=3)
    _end(console, len(found), "message", more)


def runs(console: Console, found: Sequence[ListedRun], more: str) -> None:
    """Show runs; `more` is the option that goes on where the list ends."""
    rows = [(each.id, written(each.received), each.status, why(each)) for each in found]
    _rows(console, ("run", "received (UTC)", "", "what there is to say"), rows, state=2)
    _end(console, len(found), "run", more)


def why(run: ListedRun) -> str:
    """Say what there is to say of a run in a line: its error, its next attempt, what it took."""
    parts = []
    if run.error and run.status != "succeeded":
        parts.append(f"{run.error.get('type', '')}: {run.error.get('message', '')}")
    if run.next:
        parts.append(f"attempt {run.attempt + 1} {age(run.next)}")
    if run.upstream:
        parts.append(f"after {run.upstream}")
    if run.duration_ms is not None and not parts:
        parts.append(f"{run.duration_ms} ms")
    return "; ".join(parts)


def _told(message: ListedMessage) -> str:
    counts = Counter(run.status for run in message.runs)
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))


def _rows(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], *, state: int
) -> None:
    if not console.is_terminal:
        for row in rows:
            console.print(" ".join(filter(None, row)), markup=False, soft_wrap=True)
        return
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        cells = [escape(cell) for cell in row]
        color = _COLORS.get(row[state])
        cells[state] = f"[{color}]{cells[state]}[/{color}]" if color else cells[state]
        table.add_row(*cells)
    console.print(table)


def _end(console: Console, count: int, what: str, more: str) -> None:
    if not count:
        console.print(f"no {what} is so in this time; look further back with --since")
    elif more:
        console.print(f"there are more: {more}", markup=False, soft_wrap=True)
