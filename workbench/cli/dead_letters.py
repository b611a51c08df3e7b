"""`ofn dead-letters`: list, show and redrive the ids that a stack gave up on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openfn import ids
from openfn.history import details, id_lookup
from workbench.cli import output, run_tables
from workbench.cli.options import Json, Project, Stack, Yes, confirm, console
from workbench.stack import connection, dead_letters
from workbench.stack.dead_letters import QueueContents
from workbench.text import count_of
from workbench.times import format_time

app = typer.Typer(
    help="List and redrive the messages and runs that a stack gave up on.", no_args_is_help=True
)


@app.command("list")
def list_(
    stack: Stack = "openfn", project: Project = Path("project"), as_json: Json = False
) -> None:
    """List the ids in the dead-letter queues without removing them."""
    with connection.connected(stack, project):
        contents = [dead_letters.peek(queue) for queue in dead_letters.queues(stack)]
    if as_json:
        output.as_json([_as_dict(queue) for queue in contents])
    else:
        _print_contents(contents)


@app.command("show")
def show_(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The id of a message or a run.")],
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show the message or run with an id: its status, its error and its attempts."""
    with connection.connected(stack, project):
        identifier = id_lookup.complete(identifier)
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
    """Move all ids from the dead-letter queues back to their queues, in order."""
    moved, why = 0, ""
    with connection.connected(stack, project):
        contents = [dead_letters.peek(queue) for queue in dead_letters.queues(stack)]
        total = sum(queue.count for queue in contents)
        if total:
            if not as_json:
                _print_contents(contents)
            confirm(f"Move {count_of(total, 'id')} back?", yes=yes)
            moved, why = _redrive(contents, total, shown=not as_json)
    if as_json:
        output.as_json({"found": total, "put_back": moved, "left": why})
    else:
        output.line(console, f"{moved} of {total} moved back{why and f': {why}'}")
    if why:
        raise typer.Exit(1)


def _redrive(contents: Sequence[QueueContents], total: int, *, shown: bool) -> tuple[int, str]:
    moved, reasons = 0, []
    with output.progress(console, "putting back", total, shown=shown) as advance:
        for queue in contents:
            count, why = dead_letters.redrive(queue.queue, advance)
            moved += count
            reasons += [f"{queue.queue.name}: {why}"] if why else []
    return moved, "; ".join(reasons)


def _as_dict(contents: QueueContents) -> dict[str, object]:
    letters = [
        {"id": letter.id, "kind": letter.kind, "what": letter.summary, "since": letter.since}
        for letter in contents.letters
    ]
    return {"queue": contents.queue.name, "count": contents.count, "letters": letters}


def _print_contents(contents: Sequence[QueueContents]) -> None:
    for queue in contents:
        output.line(console, f"{queue.queue.name}: {queue.count}")
        for letter in queue.letters:
            name = letter.id or f"not the id of a {letter.kind}"
            output.line(console, f"  {name} ({letter.summary}) since {letter.since}")
        if more := queue.count - len(queue.letters):
            console.print(f"  and {more} more, behind these or being read by another program")


def _show_run(run_id: str, *, as_json: bool) -> None:
    run = details.run(run_id)
    if run is None:
        raise details.not_found("run", run_id)
    attempts = details.attempts(run_id)
    if as_json:
        output.as_json({**asdict(run), "attempts": [asdict(attempt) for attempt in attempts]})
    else:
        run_tables.print_attempts(console, attempts)
        run_tables.print_run(console, run)


def _show_message(message_id: str, *, as_json: bool) -> None:
    message = details.message(message_id)
    if message is None:
        raise details.not_found("message", message_id)
    summary, received = message.summary, format_time(message.summary.received)
    runs = {run.id: run.status for run in summary.runs}
    if as_json:
        values = {"id": message_id, "inbox": summary.inbox, "received": received}
        output.as_json({**values, "unreadable": message.unreadable, "runs": runs})
        return
    output.line(console, f"received {received} in {summary.inbox}")
    if message.unreadable:
        output.line(console, f"unreadable: {message.unreadable}", style="red")
    for run_id, status in runs.items():
        output.line(console, f"{run_id} {status}")
