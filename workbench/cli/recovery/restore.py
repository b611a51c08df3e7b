"""`ofn restore`: copy lost messages and runs back from a restored table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, Yes, confirm, console
from workbench.stack import connection, restored_table
from workbench.text import count_of


def restore(
    table: Annotated[
        str,
        typer.Argument(help="The table that point-in-time recovery has created."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be copied.")
    ] = False,
    yes: Yes = False,
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Copy what the stack's table lacks from a restored table."""
    with connection.connected(stack, project):
        restored_table.check(table)
        read, missing = _count(table)
        if not as_json:
            text = f"{count_of(missing, 'item')} of {read} in {table} are not in the stack's table."
            output.line(console, text)
        copied = 0
        if missing and not dry_run:
            confirm(f"Copy {count_of(missing, 'item')}?", yes=yes)
            copied = _copy(table, missing, shown=not as_json)
    if as_json:
        output.as_json({"read": read, "missing": missing, "copied": copied})
    elif not dry_run:
        output.line(console, f"{count_of(copied, 'item')} copied.")


def _count(table: str) -> tuple[int, int]:
    read = missing = 0
    for page in restored_table.pages(table):
        read += page.count
        missing += len(page.missing)
    return read, missing


def _copy(table: str, total: int, *, shown: bool) -> int:
    copied = 0
    with output.progress(console, "copying", total, shown=shown) as advance:
        for page in restored_table.pages(table):
            for item in page.missing:
                copied += restored_table.copy(item)
                advance(1)
    return copied
