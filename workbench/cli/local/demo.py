"""`ofn demo`: real posts, from their inboxes to a destination on this machine."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from workbench.cli import output
from workbench.cli.options import Json, Project, console
from workbench.store.stack_template import STACK

if TYPE_CHECKING:
    from workbench.local.demo import Delivery

_MAX_CHARACTERS = 400
_LINK_SECONDS = 24 * 3600


def demo(project: Project = Path("project"), as_json: Json = False) -> None:
    """Send real posts through the example project to a destination on this machine."""
    from workbench.local.demo import demonstrate, demonstrated  # noqa: PLC0415 - it takes long

    if as_json:
        deliveries = demonstrate(project, lambda _step: None)
        output.as_json([delivery.as_dict() for delivery in deliveries])
    else:
        with ExitStack() as running:
            with output.steps(console) as step:
                deliveries, urls = running.enter_context(demonstrated(project, step))
            print_deliveries(console, deliveries)
            if sys.stdin.isatty() and sys.stdout.isatty():
                _show_console(project, urls)
    if not all(delivery.arrived for delivery in deliveries):
        raise typer.Exit(1)


def _show_console(project: Path, urls: dict[str, str]) -> None:
    """Serve the web console of the demo until Enter is pressed."""
    from workbench.console import server  # noqa: PLC0415 - it takes long to import

    secret = secrets.token_urlsafe(24)
    with server.serve(STACK, "local", secret, project, lambda: urls) as running:
        link = running.create_link(_LINK_SECONDS)
        console.print(f"\nLook at them in the console:\n  {link}", soft_wrap=True)
        console.input("Press Enter to stop. ")


def print_deliveries(console: Console, deliveries: Sequence[Delivery]) -> None:
    """Print each post with its response, runs and delivered requests."""
    for delivery in deliveries:
        mark = "[green]arrived[/green]" if delivery.arrived else "[red]DID NOT ARRIVE[/red]"
        console.print(f"\n[bold]{delivery.source}[/bold] {mark}")
        lines = [
            f"  response  {delivery.answer}   message {delivery.message_id or 'none'}",
            f"  trigger   {', '.join(delivery.triggers) or 'none matched'}",
            f"  run       {', '.join(delivery.runs) or 'none'}",
        ]
        for received in delivery.received:
            body = received.body.decode("utf-8", "replace")
            short = (
                body
                if len(body) <= _MAX_CHARACTERS
                else f"{body[:_MAX_CHARACTERS]}… ({len(body)} characters)"
            )
            lines.append(f"  received  {received.method} {received.path} {short}")
        console.print("\n".join(lines), markup=False, soft_wrap=True)
    arrived = sum(delivery.arrived for delivery in deliveries)
    console.print(f"\n{arrived} of {len(deliveries)} posts arrived")
