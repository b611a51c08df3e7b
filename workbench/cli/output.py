"""How results look: tables on a terminal, plain lines elsewhere, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from adaptors._runtime.dry_run import Dry, DryStatement
from workbench.project.explain import Verdict
from workbench.stack.backtest import Rematch
from workbench.stack.dead_letters import Held
from workbench.stack.details import AttemptRecord, RunRecord
from workbench.stack.replay_selection import Selected
from workbench.testing.local_run import Trial
from workbench.text import count_of

if TYPE_CHECKING:
    from workbench.local.demo import Journey

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


def credentials(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Show which credentials are set, with the names of their keys."""
    table = Table("credential", "adaptor", "", "keys", "changed (UTC)", "to mend")
    for row in rows:
        stands = "set" if row["set"] else "missing"
        when = row["changed"] or ""
        cells = (row["credential"], row["adaptor"], stands, ", ".join(row["keys"]))
        table.add_row(*map(escape, (*cells, when, row["wrong"])))
        if not console.is_terminal:
            line = " ".join(filter(None, (*cells, when and f"since {when}")))
            wrong = row["wrong"] and f"; {row['wrong']}"
            console.print(f"{line}{wrong}", markup=False, soft_wrap=True)
    if console.is_terminal:
        console.print(table)


def _dry(console: Console, sent: Dry) -> None:
    if isinstance(sent, DryStatement):
        console.print(f"[bold]would execute[/bold] {escape(sent.sql)}", soft_wrap=True)
        if sent.values:
            more = f" and {count_of(sent.rows - 1, 'more row')}" if sent.rows > 1 else ""
            console.print(f"  {list(sent.values)!r}{more}", markup=False, soft_wrap=True)
        return
    console.print(f"[bold]would send[/bold] {sent.method} {escape(sent.url)}", soft_wrap=True)
    for name, value in sent.headers.items():
        console.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    if sent.body:
        console.print(f"  {sent.body.decode('utf-8', 'replace')}", markup=False, soft_wrap=True)


def trial(console: Console, job: str, found: Trial) -> None:
    """Show how a job ended: its requests if none were sent, its log, its final state or error."""
    for sent in found.requests:
        _dry(console, sent)
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


@contextmanager
def bar(console: Console, what: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show how far something is: a bar on a terminal, nothing elsewhere."""
    with Progress(console=console, disable=not (shown and console.is_terminal)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


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
