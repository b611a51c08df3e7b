"""`ofn match`: match a saved post, or the newest messages of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from openfn.history.messages import MessageState
from openfn.history.why_not import MatchResult, explain
from openfn.project.triggers import MessageTrigger
from workbench.cli import output
from workbench.cli.options import ContentType, Json, Project, Query, Stack, console
from workbench.cli.trial import posts
from workbench.errors import CommandError
from workbench.project.compiler import check, message_triggers
from workbench.project.references import require_known
from workbench.stack import backtest, connection
from workbench.stack.backtest import Backtest
from workbench.text import count_of

Last = Annotated[
    int | None,
    typer.Option(min=1, max=1000, help="Try the filters on the newest N messages of a stack."),
]

_COLORS = {"yes": "green", "no": ""}


def match(
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|MESSAGE",
            help="A file with the body of a post, or the id of a message of a stack.",
        ),
    ] = None,
    inbox: Annotated[
        str | None, typer.Option(help="The inbox of the message. [default: any]")
    ] = None,
    trigger: Annotated[str | None, typer.Option(help="Evaluate only this trigger.")] = None,
    query: Query = "",
    content_type: ContentType = "",
    last: Last = None,
    state: Annotated[
        MessageState | None,
        typer.Option(help="With --last, only messages in this state, with the reasons."),
    ] = None,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show which triggers a post matches, and why the others do not match.

    With --last, match the newest messages of a stack with this project, to try a filter before
    you deploy it.
    """
    if (event is None) == (last is None):
        raise CommandError("Name a file with the body of a post or a message, or use --last N.")
    if state and not last:
        raise CommandError("--state needs --last N.")
    spec = check(project)
    require_known("inbox", inbox, spec.inboxes)
    filters = message_triggers(spec)
    require_known("message trigger", trigger, {message.name: message for message in filters})
    jobs = {
        name: [job for job, entry in spec.jobs.items() if name in entry.trigger]
        for name in spec.triggers
    }
    if event:
        post = posts.read_post(event, query, content_type, stack, project)
        selected = [message for message in filters if trigger in (None, message.name)]
        inbox = inbox or post.inbox or None
        _match_body(selected, inbox, posts.body_of(post), jobs, as_json=as_json)
    elif last:
        with connection.connected(stack, project):
            results = backtest.run(filters, jobs, last, trigger, state)
        results = [result for result in results if inbox in (None, result.inbox)]
        if as_json:
            output.as_json([result.as_dict() for result in results])
        else:
            print_backtest(console, results, reasons=bool(state))


def _match_body(
    filters: list[MessageTrigger],
    inbox: str | None,
    body: object,
    jobs: dict[str, list[str]],
    *,
    as_json: bool,
) -> None:
    results = [explain(message, inbox, body) for message in filters]
    if as_json:
        output.as_json(
            [
                {
                    "trigger": result.trigger,
                    "matches": result.matches,
                    "jobs": jobs[result.trigger],
                    "why": result.why,
                }
                for result in results
            ]
        )
    else:
        print_results(console, results, jobs)


def print_results(
    console: Console, results: Sequence[MatchResult], jobs: Mapping[str, Sequence[str]]
) -> None:
    """Print which triggers match a body, and why the others do not."""
    if not console.is_terminal:
        for result in results:
            runs = f"matches, runs {', '.join(jobs[result.trigger]) or 'no job'}"
            text = runs if result.matches else f"does not match: {result.why}"
            output.line(console, f"{result.trigger} {text}")
        return
    rows = [
        (
            result.trigger,
            "yes" if result.matches else "no",
            ", ".join(jobs[result.trigger]),
            result.why,
        )
        for result in results
    ]
    headers = ("trigger", "matches", "jobs", "why not")
    output.table(console, headers, rows, lambda row: ["", _COLORS[row[1]], "", ""])


def print_backtest(console: Console, results: Sequence[Backtest], *, reasons: bool = False) -> None:
    """Print what each message would run now, and what it ran on arrival."""
    if console.is_terminal:
        headers = ("message", "received", "inbox", "jobs then", "jobs now", "triggers")
        changed_ids = {result.message_id for result in results if result.changes}
        output.table(
            console,
            headers,
            [_cells(result) for result in results],
            lambda row: ["yellow" if row[0] in changed_ids else ""] * len(headers),
        )
    else:
        for result in results:
            text = f"{_matched(result)}; {_jobs(result)}"
            output.line(console, f"{result.received} {result.inbox} {result.message_id} {text}")
    for result in results if reasons else ():
        output.line(console, result.message_id)
        for name, why in result.reasons.items():
            output.line(console, f"  {name}: {why}")
    changed = sum(result.changes for result in results)
    console.print(
        f"{changed} of {count_of(len(results), 'message')} "
        "would now be handled differently than on arrival"
    )


def _cells(result: Backtest) -> tuple[str, ...]:
    now, then = ", ".join(result.jobs), ", ".join(result.ran)
    return result.message_id, result.received, result.inbox, then, now, _matched(result)


def _matched(result: Backtest) -> str:
    if result.unreadable:
        return f"unreadable: {result.unreadable}"
    return result.why or f"matches {', '.join(result.triggers) or 'nothing'}"


def _jobs(result: Backtest) -> str:
    now, then = (", ".join(jobs) or "nothing" for jobs in (result.jobs, result.ran))
    return f"would run {now}; ran {then}" if result.changes else f"ran {then}"
