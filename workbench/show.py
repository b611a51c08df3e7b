"""How results look: tables on a terminal, plain lines elsewhere, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from workbench.explain import Verdict
from workbench.records import RunRecord
from workbench.rematch import Rematch
from workbench.trial import Trial

if TYPE_CHECKING:
    from workbench.demo import Journey

_SHOWN = 400


def as_json(value: Any) -> None:
    """Print JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def verdicts(console: Console, found: Sequence[Verdict], jobs: Mapping[str, Sequence[str]]) -> None:
    """Show which triggers a body matches, and why it does not match the others."""
    if not console.is_terminal:
        for each in found:
            runs = f"matches, runs {', '.join(jobs[each.trigger]) or 'no job'}"
            what = runs if each.matches else f"does not match: {each.why}"
            console.print(f"{each.trigger} {what}", markup=False, soft_wrap=True)
        return
    table = Table("trigger", "matches", "jobs", "why not")
    for each in found:
        mark = "[green]yes[/green]" if each.matches else "no"
        table.add_row(each.trigger, mark, ", ".join(jobs[each.trigger]), escape(each.why))
    console.print(table)


def rematches(console: Console, found: Sequence[Rematch]) -> None:
    """Show what kept messages would run now, and where that differs from what they ran."""
    if console.is_terminal:
        table = Table("received", "inbox", "message", "triggers", "jobs now", "jobs then")
        for each in found:
            now, then = ", ".join(each.jobs), ", ".join(each.ran)
            style = "yellow" if each.changes else None
            cells = (each.received, each.inbox, each.message_id, _matched(each), now, then)
            table.add_row(*map(escape, cells), style=style)
        console.print(table)
    else:
        for each in found:
            now, then = (", ".join(jobs) or "no job" for jobs in (each.jobs, each.ran))
            jobs = f"{now}; ran {then}" if each.changes else now
            line = f"{each.received} {each.inbox} {each.message_id} {_matched(each)}: {jobs}"
            console.print(line, markup=False, soft_wrap=True)
    changed = sum(each.changes for each in found)
    console.print(f"{len(found)} messages; {changed} would run other jobs than they did")


def _matched(each: Rematch) -> str:
    if each.unreadable:
        return f"unreadable: {each.unreadable}"
    return each.why or ", ".join(each.triggers) or "no trigger"


def run(console: Console, record: RunRecord) -> None:
    """Show how a run stands: its log, and its error if it failed."""
    if record.log:
        console.print("[bold]log[/bold]")
        console.print(record.log.rstrip(), markup=False, soft_wrap=True)
    took = "" if record.duration_ms is None else f" in {record.duration_ms} ms"
    console.print(f"{record.job} {record.status}{took}", markup=False)
    if record.error:
        error = record.error
        where = f"line {error['line']}, {error['operation']}"
        console.print(
            f"{where}: {error['type']}: {error['message']}",
            style="red",
            markup=False,
            soft_wrap=True,
        )


def trial(console: Console, job: str, found: Trial) -> None:
    """Show how a job ended: its requests if none were sent, its log, its final state or error."""
    for request in found.requests:
        console.print(
            f"[bold]would send[/bold] {request.method} {escape(request.url)}", soft_wrap=True
        )
        for name, value in request.headers.items():
            console.print(f"  {name}: {value}", markup=False, soft_wrap=True)
        if request.body:
            body = request.body.decode("utf-8", "replace")
            console.print(f"  {body}", markup=False, soft_wrap=True)
    for inbox, body in found.emitted:
        console.print(f"[bold]would emit[/bold] to {inbox}")
        console.print(f"  {body}", markup=False, soft_wrap=True)
    if found.log:
        console.print("[bold]log[/bold]")
        console.print(found.log.rstrip(), markup=False, soft_wrap=True)
    if found.error:
        console.print(f"[red]{job} failed[/red]: {escape(str(found.error))}", soft_wrap=True)
    else:
        console.print(f"[green]{job} succeeded[/green]; its final state:")
        console.print_json(json.dumps(found.final))


@contextmanager
def steps(console: Console) -> Iterator[Callable[[str], None]]:
    """Show what happens next: a spinner on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield lambda step: console.print(f"{step} …")
        return
    with console.status("") as status:
        yield lambda step: status.update(f"{step} …")


def journeys(console: Console, found: Sequence[Journey]) -> None:
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
