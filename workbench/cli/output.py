"""Print results: JSON for programs, tables and progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from openfn.control_characters import escape_controls, escape_json

Row = Sequence[str]
_GAP = 2
_MIN_FOLDED = 24
"""The least width of a last column whose text is folded."""


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

    `style_of` returns the style of each cell of a row. No cell is ever cut: on a narrow terminal
    the last column is folded, or else the first has a line of its own above the others.
    """
    if not console.is_terminal:
        for row in rows:
            # An error text must not look like more rows.
            line(console, " ".join(filter(None, row)).replace("\n", "\\n"))
        return
    cells = [
        [Text(escape_controls(text), style) for text, style in zip(row, style_of(row), strict=True)]
        for row in rows
    ]
    widths = [
        max(cell_len(str(cell)) for cell in column) for column in zip(headers, *cells, strict=True)
    ]
    if _fits(widths, console.width):
        console.print(_table(headers, cells, widths))
        return
    for first, *others in cells:
        console.print(first, soft_wrap=True)
        if _fits(widths[1:], console.width - _GAP):
            console.print(Padding(_table((), [others], widths[1:]), (0, 0, 0, _GAP)))
        else:
            for other in filter(None, others):
                console.print(Text(" " * _GAP) + other, soft_wrap=True)


def _fits(widths: Sequence[int], available: int) -> bool:
    folded = (*widths[:-1], min(widths[-1], _MIN_FOLDED))
    return sum(folded) + _GAP * (len(widths) - 1) <= available


def _table(headers: Row, rows: Sequence[Sequence[Text]], widths: Sequence[int]) -> Table:
    view = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    view.show_header = bool(headers)
    for number, width in enumerate(widths):
        is_last = number == len(widths) - 1
        header = headers[number] if headers else ""
        fixed = None if is_last else width
        view.add_column(header, min_width=fixed, no_wrap=not is_last, overflow="fold")
    for row in rows:
        view.add_row(*row)
    return view


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
