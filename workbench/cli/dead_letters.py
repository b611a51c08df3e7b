"""`ofn dead-letters`: what a stack gave up on, and putting it back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openfn import ids
from openfn.history import details
from openfn.messages import store as messages
from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, Yes, confirm, console
from workbench.errors import CommandError
from workbench.stack import connection, dead_letters
from workbench.stack.dead_letters import Held
from workbench.text import count_of

app = typer.Typer(help="What a stack gave up on.", no_args_is_help=True)


@app.command("list")
def list_(
    stack: Stack = "openfn", project: Project = Path("project"), as_json: Json = False
) -> None:
    """List the ids in the dead-letter queues; they stay there."""
    with connection.connected(stack, project):
        found = [dead_letters.look(queue) for queue in dead_letters.queues(stack)]
    if as_json:
        output.as_json([_as_dict(held) for held in found])
    else:
        output.dead_letters(console, found)


@app.command("show")
def show_(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A message's or a run's id.")],
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show the message or run behind an id: how it stands, its error, its attempts so far."""
    with connection.connected(stack, project):
        if ids.is_run_id(identifier):
            _show_run(identifier, as_json=as_json)
        else:
            _show_message(identifier, as_json=as_json)


@app.command()
def redrive(
    yes: Yes = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Put all ids in the dead-letter queues back on the queues they come from, in their order."""
    put, why = 0, ""
    with connection.connected(stack, project):
        found = [dead_letters.look(queue) for queue in dead_letters.queues(stack)]
        total = sum(held.count for held in found)
        if total:
            if not as_json:
                output.dead_letters(console, found)
            confirm(f"put {count_of(total, 'id')} back?", yes=yes)
            put, why = _put_back(found, total, shown=not as_json)
    if as_json:
        output.as_json({"found": total, "put_back": put, "left": why})
    else:
        console.print(f"{put} of {total} put back{why and f': {why}'}", markup=False)
    if why:
        raise typer.Exit(1)


def _put_back(found: list[Held], total: int, *, shown: bool) -> tuple[int, str]:
    put, reasons = 0, []
    with output.bar(console, "putting back", total, shown=shown) as advance:
        for held in found:
            count, why = dead_letters.redrive(held.queue, advance)
            put += count
            reasons += [f"{held.queue.name}: {why}"] if why else []
    return put, "; ".join(reasons)


def _as_dict(held: Held) -> dict[str, object]:
    letters = [
        {"id": each.id, "kind": each.kind, "what": each.what, "since": each.since}
        for each in held.letters
    ]
    return {"queue": held.queue.name, "count": held.count, "letters": letters}


def _show_run(identifier: str, *, as_json: bool) -> None:
    record = details.run(identifier)
    if record is None:
        raise CommandError(f"there is no run {identifier} (any more)")
    attempts = details.attempts(identifier)
    if as_json:
        before = [asdict(each) for each in attempts]
        output.as_json({**asdict(record), "attempts": before})
    else:
        output.attempts(console, attempts)
        output.run(console, record)


def _show_message(identifier: str, *, as_json: bool) -> None:
    item = messages.read_items([identifier]).get(identifier)
    if item is None:
        raise CommandError(f"there is no message {identifier} (any more)")
    started = {each["sk"]: each["status"] for each in details.runs_of(identifier)}
    received = f"{ids.received_at(identifier):%Y-%m-%d %H:%M:%S}"
    if as_json:
        of_it = {"inbox": item["inbox"], "received": received, "unreadable": item.get("unreadable")}
        output.as_json({"id": identifier, **of_it, "runs": started})
    else:
        unreadable = item.get("unreadable", "")
        what = f"received {received} in {item['inbox']}"
        output.message(console, what, unreadable, started)
