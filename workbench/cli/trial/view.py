"""Print a local run: the requests of a dry run, the log, and the final state or the error."""

from __future__ import annotations

import json

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.markup import escape

from adaptors._runtime.dry_run import Dry, DryStatement
from openfn.control_characters import escape_json
from workbench.cli import output
from workbench.testing.local_run import LocalRun


def print_local_run(console: Console, job: str, local_run: LocalRun) -> None:
    """Print the requests of a dry run, the log, and the final state or the error."""
    for request in local_run.requests:
        _print_request(console, request)
    for inbox, body in local_run.emitted:
        console.print(f"[bold]would emit[/bold] to {inbox}")
        console.print(f"  {body}", markup=False, soft_wrap=True)
    if local_run.log:
        console.print("[bold]log[/bold]")
        console.print(local_run.log.rstrip(), markup=False, soft_wrap=True)
    if local_run.error:
        console.print(f"[red]{job} failed[/red]: {escape(str(local_run.error))}", soft_wrap=True)
    else:
        console.print(f"[green]{job} succeeded[/green]. Final state:")
        final = json.dumps(local_run.final, indent=2, ensure_ascii=False)
        console.print(JSONHighlighter()(escape_json(final)), soft_wrap=True)


def _print_request(console: Console, request: Dry) -> None:
    if isinstance(request, DryStatement):
        console.print(f"[bold]would execute[/bold] {escape(request.sql)}", soft_wrap=True)
        for row in request.all_rows:
            output.line(console, f"  {list(row.values)!r}")
        return
    console.print(f"[bold]would send[/bold] {request.method} {escape(request.url)}", soft_wrap=True)
    for name, value in request.headers.items():
        console.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    if request.body:
        console.print(f"  {request.body.decode('utf-8', 'replace')}", markup=False, soft_wrap=True)
