"""`ofn show` and `ofn logs`: one message or run with its attempts and its log."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from openfn import ids
from openfn.control_characters import escape_json
from openfn.errors import NotFound
from openfn.history import details, id_lookup
from openfn.history.details import MessageDetails, RunDetails
from openfn.jobs import initial_state
from openfn.runs import store as runs
from openfn.runs.model import RunStatus
from workbench.cli import output, run_tables
from workbench.cli.options import Json, Project, Stack, console
from workbench.errors import CommandError
from workbench.project import job_source
from workbench.stack import connection, log_lines
from workbench.times import format_time

Id = Annotated[
    str, typer.Argument(metavar="MESSAGE|RUN", help="The id of a message or a run, or its end.")
]
RunId = Annotated[
    str, typer.Argument(metavar="RUN", help="The id of a run, or of a message with one run.")
]


def show_one(
    identifier: Id,
    body: Annotated[
        bool, typer.Option("--body", help="Also show a message's body or a run's states.")
    ] = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show a message with its runs, or a run with its error, attempts and log."""
    with connection.connected(stack, project):
        identifier = id_lookup.complete(identifier)
        if "#" in identifier:
            values = _run_values(_find_run(identifier), body=body)
        else:
            values = _message_values(_find_message(identifier), body=body)
    if as_json:
        output.as_json(values)
    else:
        _print_values(values)


def logs(
    run: RunId,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait until the run ends, including its retries.")
    ] = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
) -> None:
    """Show what a run printed, and the functions' log lines about it from CloudWatch."""
    with connection.connected(stack, project):
        current, last_line = _find_run(_run_id(run)), ""
        while follow and not current.status.has_ended:
            line = f"attempt {current.attempt} {current.status}"
            if line != last_line:
                console.print(line, style="dim")
            last_line = line
            time.sleep(1)
            current = _find_run(current.id)
        for line in log_lines.read(stack, current.id):
            output.line(console, line, style="dim")
    output.line(console, f"{current.id} {current.status}, attempt {current.attempt}")
    output.line(console, current.log.rstrip() or "The run printed nothing.")
    if current.error and current.status is not RunStatus.SUCCEEDED:
        _print_error(current, project)


def _run_id(text: str) -> str:
    """Return the complete id of a run; a message's id means its run if it has only one."""
    identifier = id_lookup.complete(text)
    message = details.message(identifier)
    if message is None:
        return identifier
    names = [run.id for run in message.summary.runs]
    if len(names) != 1:
        runs_of_it = ", ".join(names) or "none"
        raise CommandError(f"Name a run of the message {identifier}: {runs_of_it}.")
    return names[0]


def _print_error(run: RunDetails, project: Path) -> None:
    run_tables.print_error(console, run.error or {})
    if line := job_source.line_of(project, run.job, int((run.error or {}).get("line") or 0)):
        output.line(console, f"  {line.file}:{line.number}: {line.text}")


def _find_run(run_id: str) -> RunDetails:
    run = details.run(run_id) if ids.is_run_id(run_id) else None
    if run is None:
        raise NotFound(f"{details.not_found('run', run_id)} `ofn runs` lists the runs.")
    return run


def _find_message(message_id: str) -> MessageDetails:
    message = details.message(message_id)
    if message is None:
        raise NotFound(
            f"{details.not_found('message', message_id)} `ofn messages` lists the messages. "
            "The id of a run has # and the name of its job behind it."
        )
    return message


def _message_values(message: MessageDetails, *, body: bool) -> dict[str, Any]:
    summary, post = message.summary, message.message
    if message.missing:
        return {"message": summary.id, "inbox": summary.inbox, "gone": message.missing}
    values = {
        "message": summary.id,
        "inbox": summary.inbox,
        "received": format_time(summary.received),
        "emitted_by": summary.emitted_by,
        "unreadable": message.unreadable,
        "request": post.request,
        "bytes": len(post.body),
        "runs": {
            run.id: f"{run.status} {run_tables.describe(run)}".strip() for run in summary.runs
        },
    }
    return values | ({"body": post.body.decode("utf-8", "backslashreplace")} if body else {})


def _run_values(run: RunDetails, *, body: bool) -> dict[str, Any]:
    values = asdict(run)
    del values["id"], values["log"], values["final"], values["error"]
    return {
        "run": run.id,
        "received": format_time(ids.received_at(run.id)),
        **values,
        "error": run.error,
        "attempts": [asdict(attempt) for attempt in details.attempts(run.id)],
        "emitted": details.emitted_messages(run.id),
        "followed_by": details.follow_ups(run),
        "log": run.log,
        **(_states(run) if body else {}),
    }


def _states(run: RunDetails) -> dict[str, Any]:
    try:
        initial: Any = initial_state.load(runs.load(run.id)).build()
    except NotFound as error:
        initial = str(error)
    return {"initial": initial, "final": run.final}


def _as_json(value: dict[str, Any] | list[Any]) -> str:
    return escape_json(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _print_values(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value in (None, "", [], {}):
            continue
        is_nested = isinstance(value, dict | list)
        text = _as_json(value) if is_nested else value
        is_long = is_nested or "\n" in str(value).strip()
        console.print(f"[bold]{name}[/bold]", end="\n" if is_long else " ")
        output.line(console, str(text).rstrip())
