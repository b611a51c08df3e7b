"""`ofn show` and `ofn logs`: one message or run of a stack, with all that became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer

from openfn import ids
from openfn.errors import NotFound
from openfn.history import details
from openfn.history import messages as history
from openfn.jobs import state
from openfn.messages import store as messages
from openfn.runs import outbox
from openfn.runs.model import Run, RunStatus
from openfn.storage import table
from workbench.cli import output, run_tables
from workbench.cli.options import Json, Project, Stack, console
from workbench.cli.times import written
from workbench.errors import CommandError
from workbench.stack import connection

_GROUPS = ("InboxLogs", "MatcherLogs", "RunnerLogs")
Id = Annotated[str, typer.Argument(metavar="MESSAGE|RUN", help="The id of a message or a run.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")]


def show_one(
    identifier: Id,
    body: Annotated[
        bool, typer.Option("--body", help="A message's body, or the states of a run, as well.")
    ] = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show a message with its runs, or a run with its error, attempts and log."""
    with connection.connected(stack, project):
        found = _run(identifier, body=body) if "#" in identifier else _message(identifier)
    if as_json:
        output.as_json({name: each for name, each in found.items() if body or name != "body"})
        return
    for name, value in found.items():
        if name == "body" and not body:
            continue
        _say(name, value)


def logs(
    run: RunId,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for its end, through all its attempts.")
    ] = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
) -> None:
    """Show what a run printed, and the functions' log lines about it where CloudWatch has them."""
    with connection.connected(stack, project):
        record, told = _known(run), ""
        while follow and not RunStatus(record.status).has_ended:
            if told != (told := f"attempt {record.attempt} {record.status}"):
                console.print(told, style="dim")
            time.sleep(1)
            record = _known(run)
        for line in _lines(stack, run):
            console.print(line, style="dim", markup=False, soft_wrap=True)
    console.print(f"{run} {record.status}, attempt {record.attempt}", markup=False, soft_wrap=True)
    console.print(record.log.rstrip() or "it printed nothing", markup=False, soft_wrap=True)


def _known(run_id: str) -> details.RunRecord:
    record = details.run(run_id) if ids.is_run_id(run_id) else None
    if record is None:
        raise CommandError(f"there is no run {run_id} (any more); `ofn runs` lists those there are")
    return record


def _message(identifier: str) -> dict[str, Any]:
    item = messages.read_items([identifier]).get(identifier)
    if item is None:
        raise CommandError(
            f"there is no message {identifier} (any more); `ofn messages` lists those there are, "
            "and the id of a run has its job behind a #"
        )
    try:
        message = messages.from_item(item)
    except NotFound as gone:
        return {"message": identifier, "inbox": item["inbox"], "gone": str(gone)}
    return {
        "message": identifier,
        "inbox": message.inbox,
        "received": written(ids.received_at(identifier)),
        "emitted_by": message.emitted_by,
        "unreadable": item.get("unreadable"),
        "request": message.request,
        "bytes": len(message.body),
        "runs": _runs(identifier),
        "body": message.body.decode("utf-8", "backslashreplace"),
    }


def _runs(origin: str) -> dict[str, str]:
    found = history.read_family(origin)
    return {run.id: f"{run.status} {run_tables.why(run)}".strip() for run in found}


def _run(identifier: str, *, body: bool) -> dict[str, Any]:
    record = _known(identifier)
    item = table.get([ids.key_of(identifier)])[0]
    about = {
        name: value
        for name, value in asdict(record).items()
        if name not in ("id", "log", "final", "error")
    }
    emitted = outbox.load(Run.from_item(item))
    return {
        "run": identifier,
        "received": written(ids.received_at(identifier)),
        **about,
        "error": record.error,
        "attempts": [asdict(each) for each in details.attempts(identifier)],
        "emitted": [each.id for each in emitted],
        "followed_by": [
            run.id
            for run in history.read_family(ids.source_id_of(identifier))
            if run.upstream == record.job
        ],
        "log": record.log,
        **(_states(item, record) if body else {}),
    }


def _states(item: dict[str, Any], record: details.RunRecord) -> dict[str, Any]:
    try:
        initial: Any = state.initial_state(Run.from_item(item))
    except NotFound as gone:
        initial = str(gone)
    return {"initial": initial, "final": record.final}


def _lines(stack: str, run_id: str) -> Iterator[str]:
    cloudformation, found = boto3.client("cloudformation"), boto3.client("logs")
    begin = int(ids.received_at(run_id).timestamp() * 1000)
    lines: list[tuple[int, str]] = []
    for group in _GROUPS:
        answer = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=group)
        name = answer["StackResourceDetail"]["PhysicalResourceId"]
        pages = found.get_paginator("filter_log_events").paginate(
            logGroupName=name, filterPattern=f'"{ids.source_id_of(run_id)}"', startTime=begin
        )
        lines += [
            (event["timestamp"], event["message"].strip())
            for page in pages
            for event in page["events"]
        ]
    yield from (line for _, line in sorted(lines))


def _say(name: str, value: Any) -> None:
    if value in (None, "", [], {}):
        return
    if isinstance(value, str) and "\n" in value.strip():
        console.print(f"[bold]{name}[/bold]")
        console.print(value.rstrip(), markup=False, soft_wrap=True)
    elif isinstance(value, dict | list):
        console.print(f"[bold]{name}[/bold]")
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        console.print(text, markup=False, soft_wrap=True)
    else:
        console.print(f"[bold]{name}[/bold] ", end="")
        console.print(str(value).rstrip(), markup=False, soft_wrap=True)
