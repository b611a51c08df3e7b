"""`ofn status`: show whether data flows, and what fails or is late."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from openfn.runs.model import RunStatus
from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, console
from workbench.stack import connection
from workbench.stack import status as stack_status
from workbench.stack.status import StackStatus
from workbench.times import format_age, format_time, parse_time


def status(
    since: Annotated[
        str, typer.Option(help="Start of the period: 90m, 2h or 3d ago, or a date or time (UTC).")
    ] = "24h",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show the status of a stack: what arrived, what failed and what is waiting."""
    begin = parse_time("--since", since)
    with connection.connected(stack, project):
        current = stack_status.read(stack, begin)
    if as_json:
        output.as_json(current.as_dict())
        return
    output.line(console, f"{stack}, since {format_time(begin)} UTC")
    for name, (text, color) in _lines(current).items():
        console.print(f"  {name:<14}", end="", markup=False)
        output.line(console, text, style=color)


def _lines(status: StackStatus) -> dict[str, tuple[str, str]]:
    """Return the text and the color of each line by its name."""
    table = status.table
    ended = {name: count for name, count in table.runs.items() if RunStatus(name).has_ended}
    others = {name: count for name, count in table.runs.items() if name not in ended}
    dead_letters = {name: queue for name, queue in status.queues.items() if "Dead" in name}
    queues = {name: queue for name, queue in status.queues.items() if "Dead" not in name}
    dead = {name: queue["waiting"] for name, queue in dead_letters.items()}
    return {
        "messages": (_messages(status), ""),
        "refused": (_counts(status.refused), "yellow" if status.refused else ""),
        "ignored GETs": (_ignored(status), "yellow" if status.queries_ignored else ""),
        "runs": (_counts(ended), ""),
        "unfinished": (_counts(others), ""),
        "total failed": (str(table.failed), "red" if table.failed else "green"),
        "open circuits": (", ".join(table.circuits) or "none", "red" if table.circuits else ""),
        "queues": (_queues(queues), ""),
        "dead letters": (_counts(dead), "red" if any(dead.values()) else ""),
        "alarms": (", ".join(status.alarms) or "none", "red" if status.alarms else "green"),
    }


def _messages(status: StackStatus) -> str:
    table = status.table
    last = f"; the last {format_age(table.last)}" if table.last else ""
    return f"{_counts(table.messages)}{last}{' (there are more)' if table.more else ''}"


def _ignored(status: StackStatus) -> str:
    count = status.queries_ignored
    return f"{count} with a query (to store them: accept: [get])" if count else "none"


def _queues(queues: Mapping[str, Mapping[str, int]]) -> str:
    return ", ".join(
        f"{name} {queue['waiting']} waiting and {queue['at_work']} in progress"
        for name, queue in queues.items()
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count) or "none"
