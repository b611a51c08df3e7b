"""`ofn erase`: delete what a stack stores about one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from openfn import ids as identifiers
from openfn.history import details, id_lookup
from openfn.history import erasure as erasures
from openfn.history.erasure import ErasureTarget
from openfn.history.queries import Period
from openfn.storage import aws, table
from openfn.storage.aws import Setting
from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, Yes, confirm, console
from workbench.errors import CommandError
from workbench.stack import clients, connection, message_search
from workbench.stack.message_search import SearchResult
from workbench.text import count_of
from workbench.times import format_time, parse_time

_BACKUP_DAYS = 35
"""How long point-in-time recovery keeps what was deleted."""


def erase(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MESSAGE|RUN",
            help="The id of a message, or of a run to erase with its message or minute.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUE",
            help="Only messages with this value, such as case.@case_id=ab12. Several options "
            "must all be true.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="With --where, the start of the period: 90m, 2h or 3d ago, or a date or time "
            "(UTC). [default: the retention period]"
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="With --where, the end of the period. [default: now]")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="With --where, read at most this many messages.")
    ] = 100_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be erased.")
    ] = False,
    yes: Yes = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Erase messages with all their runs and the messages that these emitted.

    Deletes bodies, states, logs, error texts and objects. Ids, times and statuses stay.
    """
    if bool(ids) == bool(where):
        raise CommandError("Name the ids to erase, or select messages with --where, but not both.")
    with connection.connected(stack, project):
        result = (
            _search(where, _period(since, until), limit, shown=not as_json)
            if where
            else SearchResult(_source_ids(ids or []))
        )
        targets = erasures.select(result.ids)
        if ids and (missing := {*result.ids} - {target.id for target in targets}):
            raise details.not_found("message", *sorted(missing))
        if not as_json:
            _print_selection(targets, result)
        refused: dict[str, str] = {}
        if targets and not dry_run:
            confirm(f"Erase {count_of(len(targets), 'message')}? It cannot be undone.", yes=yes)
            refused = _erase(targets, shown=not as_json)
    _report(targets, result, refused, dry_run=dry_run, as_json=as_json)


def _source_ids(names: Sequence[str]) -> list[str]:
    sources = [identifiers.source_id_of(id_lookup.complete(name)) for name in names]
    if invalid := [name for name in sources if not identifiers.is_message_id(name)]:
        raise details.not_found("message", *invalid)
    return sources


def _period(since: str | None, until: str | None) -> Period:
    now = datetime.now(UTC)
    begin = now - timedelta(days=int(aws.setting(Setting.RETENTION_DAYS)) + 1)
    end = parse_time("--until", until) if until else now + timedelta(minutes=1)
    if since:
        start = parse_time("--since", since)
        if start > end:
            raise CommandError(f"--since {since} is later than --until {until or 'now'}.")
        begin = max(begin, start)
    return Period(begin, end)


def _search(where: Sequence[str], period: Period, limit: int, *, shown: bool) -> SearchResult:
    conditions = [message_search.parse_condition(text) for text in where]
    with output.progress(console, "reading messages", None, shown=shown) as advance:
        return message_search.search(period, conditions, limit, advance)


def _erase(targets: Sequence[ErasureTarget], *, shown: bool) -> dict[str, str]:
    person = clients.caller()
    now = table.timestamp(datetime.now(UTC).timestamp())
    record = {"erased_at": now, "erased_by": person}
    with output.progress(console, "erasing", len(targets), shown=shown) as advance:
        refused = erasures.erase(targets, record, advance)
    if shown:
        output.line(console, f"{now} {person} erased {len(targets) - len(refused)} of these.")
    return refused


def _print_selection(targets: Sequence[ErasureTarget], result: SearchResult) -> None:
    for target in targets:
        received = format_time(identifiers.received_at(target.id))
        runs = count_of(len(target.runs), "run")
        output.line(console, f"{target.id} {received} {target.inbox or 'cron'}, {runs}")
    if result.read:
        output.line(console, f"{count_of(result.read, 'message')} read, {len(result.ids)} match.")
    if result.unreadable:
        text = f"{count_of(result.unreadable, 'message')} could not be searched: not readable."
        output.line(console, text, style="yellow")
    if result.more:
        text = "The period has more messages. Continue with --until, or use a larger --limit."
        output.line(console, text, style="yellow")
    if not targets:
        console.print("No messages match.")


def _report(
    targets: Sequence[ErasureTarget],
    result: SearchResult,
    refused: Mapping[str, str],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    blocked = {target.id: target.problem for target in targets if target.problem} | {**refused}
    erased = [] if dry_run else [target.id for target in targets if target.id not in refused]
    backups = f"{datetime.now(UTC) + timedelta(days=_BACKUP_DAYS):%Y-%m-%d}"
    selected = {target.id for target in targets}
    copies = {target.emitted_by for target in targets if target.emitted_by}
    copies = {run for run in copies if identifiers.source_id_of(run) not in selected}
    if as_json:
        report: dict[str, Any] = {"selected": sorted(selected), "erased": erased}
        report |= {"not_erased": blocked, "copies": sorted(copies), "backups_until": backups}
        search = {"read": result.read, "unreadable": result.unreadable, "more": result.more}
        output.as_json(report | search)
    else:
        for name, why in blocked.items():
            output.line(console, f"{name} not erased: {why}", style="red")
        _print_remains(sorted(copies), backups if targets else "")
    if refused:
        raise typer.Exit(1)


def _print_remains(copies: Sequence[str], backups: str) -> None:
    for run in copies:
        text = (
            f"{run} emitted one of them and stores a copy, with other records: `ofn erase '{run}'`"
        )
        output.line(console, text, style="yellow")
    if backups:
        console.print(
            f"Still stored: backups of the table until {backups}; what destinations received; "
            "states that cron jobs pass on. docs/security.md says how to delete them.",
            soft_wrap=True,
        )
