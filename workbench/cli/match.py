"""`ofn match`: which triggers a saved body, or kept messages, match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from openfn.history.why_not import Verdict, explain
from openfn.messages import bodies
from openfn.messages.store import parse_query
from openfn.project.triggers import MessageTrigger, with_query_params
from workbench.cli import output
from workbench.cli.options import ContentType, Event, Json, Project, Query, Stack, console
from workbench.errors import CommandError
from workbench.project.compiler import check, message_triggers
from workbench.project.references import require_known
from workbench.stack import backtest, connection
from workbench.testing.saved_posts import headers_of

Last = Annotated[
    int | None,
    typer.Option(min=1, max=1000, help="Match so many of the newest messages a stack has kept."),
]


def match(
    event: Event = None,
    inbox: Annotated[str | None, typer.Option(help="The inbox it came to; else any.")] = None,
    trigger: Annotated[str | None, typer.Option(help="Judge this trigger only.")] = None,
    query: Query = "",
    content_type: ContentType = "",
    last: Last = None,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show which triggers a body matches, and where it parts ways with the others.

    With --last, the same for the newest messages that a stack has kept, against the project as it
    is edited here: try a filter before you deploy it.
    """
    if (event is None) == (last is None):
        raise CommandError(
            "give a file with the body of a post, or --last and a number of messages"
        )
    written = check(project)
    require_known("inbox", inbox, written.inboxes)
    filters = message_triggers(written)
    require_known("message trigger", trigger, {each.name: each for each in filters})
    jobs = {
        name: [job for job, each in written.jobs.items() if each.trigger == name]
        for name in written.triggers
    }
    if event:
        parsed = bodies.parse_exact(event.read_bytes(), headers_of(event, content_type))
        body = with_query_params(parsed, parse_query(query.removeprefix("?")))
        chosen = [each for each in filters if trigger in (None, each.name)]
        _body(chosen, inbox, body, jobs, as_json=as_json)
    elif last:
        with connection.connected(stack, project):
            found = backtest.rematch(filters, jobs, last, trigger)
        found = [each for each in found if inbox in (None, each.inbox)]
        if as_json:
            output.as_json([each.as_dict() for each in found])
        else:
            output.rematches(console, found)


def _body(
    filters: list[MessageTrigger],
    inbox: str | None,
    body: object,
    jobs: dict[str, list[str]],
    *,
    as_json: bool,
) -> None:
    verdicts = [explain(each, inbox, body) for each in filters]
    if as_json:
        rows = [
            {"trigger": v.trigger, "matches": v.matches, "jobs": jobs[v.trigger], "why": v.why}
            for v in verdicts
        ]
        output.as_json(rows)
    else:
        print_verdicts(console, verdicts, jobs)


def print_verdicts(
    console: Console, verdicts: Sequence[Verdict], jobs: Mapping[str, Sequence[str]]
) -> None:
    """Show which triggers a body matches, and why it does not match the others."""
    if not console.is_terminal:
        for verdict in verdicts:
            runs = f"matches, runs {', '.join(jobs[verdict.trigger]) or 'no job'}"
            what = runs if verdict.matches else f"does not match: {verdict.why}"
            console.print(f"{verdict.trigger} {what}", markup=False, soft_wrap=True)
        return
    table = Table("trigger", "matches", "jobs", "why not")
    for verdict in verdicts:
        mark = "[green]yes[/green]" if verdict.matches else "no"
        table.add_row(verdict.trigger, mark, ", ".join(jobs[verdict.trigger]), escape(verdict.why))
    console.print(table)
