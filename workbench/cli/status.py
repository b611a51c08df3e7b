"""`ofn status`: is data flowing, is anything failing, is anything late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openfn.runs.model import RunStatus
from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, console
from workbench.cli.times import age, moment, written
from workbench.stack import connection
from workbench.stack import status as overview
from workbench.stack.status import Overview

_NOT_ENDED = [status for status in RunStatus if not status.has_ended]


def status(
    since: Annotated[
        str, typer.Option(help="Count from 90m, 2h or 3d ago, or from a date or time, on.")
    ] = "24h",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show how a stack stands: what came, what failed, what waits."""
    begin = moment("--since", since)
    with connection.connected(stack, project):
        found = overview.read(stack, begin)
    if as_json:
        output.as_json(asdict(found) | {"last": found.last.isoformat() if found.last else None})
        return
    console.print(f"{stack}, since {written(begin)} UTC", markup=False)
    for name, (told, color) in _told(found).items():
        console.print(f"  {name:<14}", end="", markup=False)
        console.print(told, style=color, markup=False, soft_wrap=True)


def _told(found: Overview) -> dict[str, tuple[str, str]]:
    last = f"; the last {age(found.last)}" if found.last else ""
    more = " (there are more)" if found.more else ""
    ended = {name: count for name, count in found.runs.items() if name not in _NOT_ENDED}
    late = {str(name): found.runs[name] for name in _NOT_ENDED if found.runs.get(name)}
    letters = {name: each["waiting"] for name, each in found.queues.items() if "Dead" in name}
    queues = {name: each for name, each in found.queues.items() if "Dead" not in name}
    on_queues = ", ".join(
        f"{name} {each['waiting']} and {each['at_work']} at work" for name, each in queues.items()
    )
    return {
        "messages": (f"{_counts(found.messages)}{last}{more}", ""),
        "refused": (_counts(found.refused), "yellow" if found.refused else ""),
        "runs": (_counts(ended), ""),
        "not ended": (_counts(late), ""),
        "failed, all": (str(found.failed), "red" if found.failed else "green"),
        "circuits open": (", ".join(found.circuits) or "none", "red" if found.circuits else ""),
        "queues": (on_queues, ""),
        "dead letters": (_counts(letters), "red" if any(letters.values()) else ""),
        "alarms": (", ".join(found.alarms) or "none is on", "red" if found.alarms else "green"),
    }


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count) or "none"
