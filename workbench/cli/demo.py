"""`ofn demo`: real posts, from their inboxes to a destination on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from workbench.cli import output
from workbench.cli.options import Json, Project, console

if TYPE_CHECKING:
    from workbench.local.demo import Journey

_SHOWN = 400


def demo(project: Project = Path("project"), as_json: Json = False) -> None:
    """Send real posts through the example project to a destination on this machine."""
    from workbench.local.demo import demonstrate  # noqa: PLC0415 - moto takes a second to import

    if as_json:
        journeys = demonstrate(project, lambda _step: None)
        output.as_json([journey.as_dict() for journey in journeys])
    else:
        with output.steps(console) as step:
            journeys = demonstrate(project, step)
        print_journeys(console, journeys)
    if not all(journey.arrived for journey in journeys):
        raise typer.Exit(1)


def print_journeys(console: Console, found: Sequence[Journey]) -> None:
    """Show what became of each post."""
    for each in found:
        mark = "[green]arrived[/green]" if each.arrived else "[red]DID NOT ARRIVE[/red]"
        console.print(f"\n[bold]{each.source}[/bold] {mark}")
        lines = [
            f"  answer    {each.answer}   message {each.message_id or 'none'}",
            f"  trigger   {', '.join(each.triggers) or 'none matched'}",
            f"  run       {', '.join(each.runs) or 'none'}",
        ]
        for received in each.received:
            body = received.body.decode("utf-8", "replace")
            short = body if len(body) <= _SHOWN else f"{body[:_SHOWN]}… ({len(body)} characters)"
            lines.append(f"  received  {received.method} {received.path} {short}")
        console.print("\n".join(lines), markup=False, soft_wrap=True)
    arrived = sum(each.arrived for each in found)
    console.print(f"\n{arrived} of {len(found)} posts arrived")
