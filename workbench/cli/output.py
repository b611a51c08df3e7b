"""Print results: JSON for programs, tables and progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from workbench.terminal import escape_json

Row = Sequence[str]


def as_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(escape_json(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")


def line(console: Console, text: str, style: str | None = None) -> None:
    """Print a line of quoted text: without markup, and not wrapped."""
    console.print(text, style=style, markup=False, soft_wrap=True)


def table(
    console: Console,
    headers: Row,
    rows: Sequence[Row],
    style_of: Callable[[Row], Row] = lambda row: [""] * len(row),
) -> None:
    """Print a table on a terminal, and one line for each row elsewhere.

    `style_of` returns the style of each cell of a row.
    """
    if not console.is_terminal:
        for row in rows:
            line(console, " ".join(filter(None, row)))
        return
    view = Table(*headers, box=None, pad_edge=False)
    for row in rows:
        cells = zip(map(escape, row), style_of(row), strict=True)
        view.add_row(*(f"[{style}]{cell}[/{style}]" if style else cell for cell, style in cells))
    console.print(view)


@contextmanager
def steps(console: Console) -> Iterator[Callable[[str], None]]:
    """Show the current step: a spinner on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield lambda step: console.print(f"{step} …")
        return
    with console.status("") as status:
        yield lambda step: status.update(f"{step} …")


@contextmanager
def progress(
    console: Console, task: str, total: int | None, *, shown: bool
) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal; yield the function that advances it."""
    with Progress(console=console, disable=not (shown and console.is_terminal)) as bar:
        task_id = bar.add_task(task, total=total)
        yield lambda count: bar.advance(task_id, count)
