"""How results look: tables on a terminal, plain lines elsewhere, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from openfn.history.details import AttemptRecord, RunRecord
from openfn.history.replay_selection import Selected
from workbench.stack.backtest import Rematch
from workbench.stack.dead_letters import Held
from workbench.text import count_of


def as_json(value: Any) -> None:
    """Print JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


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


def attempts(console: Console, found: Sequence[AttemptRecord]) -> None:
    """Show the earlier attempts at a run, in a line each."""
    for each in found:
        why = f": {each.error['type']}: {each.error['message']}" if each.error else ""
        line = f"attempt {each.attempt} {each.status} {each.finished}{why}"
        console.print(line, markup=False, soft_wrap=True)


def message(console: Console, what: str, unreadable: str, started: Mapping[str, str]) -> None:
    """Show a kept message: what there is to say of it, and the runs that go back to it."""
    console.print(what, markup=False, soft_wrap=True)
    if unreadable:
        console.print(f"unreadable: {unreadable}", style="red", markup=False, soft_wrap=True)
    for run_id, status in started.items():
        console.print(f"{run_id} {status}", markup=False, soft_wrap=True)


def selected(console: Console, runs: Sequence[Selected], messages: int, *, each: bool) -> None:
    """Show how many runs were selected of each job, and with `each` their ids."""
    if each:
        for run in runs:
            console.print(f"{run.id} {run.status}", markup=False, soft_wrap=True)
    for job, count in sorted(Counter(run.job for run in runs).items()):
        console.print(f"{job}: {count_of(count, 'run')}", markup=False)
    if messages:
        console.print(count_of(messages, "message"))
    if not runs and not messages:
        console.print("no run is so")


def dead_letters(console: Console, found: Sequence[Held]) -> None:
    """Show what dead-letter queues hold."""
    for held in found:
        console.print(f"{held.queue.name}: {held.count}")
        for letter in held.letters:
            name = letter.id or f"no {letter.kind}'s id"
            line = f"  {name} ({letter.what}) since {letter.since}"
            console.print(line, markup=False, soft_wrap=True)
        if more := held.count - len(held.letters):
            console.print(f"  and {more} more, behind these or being looked at elsewhere")


@contextmanager
def steps(console: Console) -> Iterator[Callable[[str], None]]:
    """Show what happens next: a spinner on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield lambda step: console.print(f"{step} …")
        return
    with console.status("") as status:
        yield lambda step: status.update(f"{step} …")


@contextmanager
def bar(console: Console, what: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show how far something is: a bar on a terminal, nothing elsewhere."""
    with Progress(console=console, disable=not (shown and console.is_terminal)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)
