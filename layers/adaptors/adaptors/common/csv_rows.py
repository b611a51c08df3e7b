"""CSV read into rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adaptors.common.flow import each
from adaptors.operations import Operation, State, Value, next_state, resolve

Text = str | bytes
Header = bool | Sequence[str]
# A geometry is longer than the 128 KB that Python takes for a mistake.
_LONGEST_FIELD = 2**31 - 1


def parse_csv(
    text: Text | Value,
    *operations: Operation,
    delimiter: str = ",",
    quote: str = '"',
    header: Header = True,
    encoding: str = "utf-8",
    chunk_size: int | None = None,
) -> Operation:
    r"""Read CSV; `data` becomes the rows.

    With operations these are applied to each `chunk_size` rows, which are `data` meanwhile, and
    `data` is the original again afterwards: `parse_csv(text, insert_many(…), chunk_size=500)`.

    A row is a dict by the names of the first line, or by those given as `header`; with
    `header=False` it is a list. Cells are texts without the spaces around them. Empty lines, and
    columns without a name, are left out. A byte order mark is dropped. `ValueError` names the line
    that has not as many cells as there are names, or that cannot be read.

    >>> parse_csv("name;age\nAmina;7\n", delimiter=";")({})["data"]
    [{'name': 'Amina', 'age': '7'}]
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size is at least 1, not {chunk_size}")

    def rows(state: State) -> Iterator[Any]:
        lines = _lines(_decoded(resolve(state, text), encoding), delimiter, quote)
        if header is False:
            return (cells for _, cells in lines)
        names = next(lines, (0, []))[1] if header is True else list(header)
        return _rows(lines, names)

    def operate(state: State) -> State:
        if operations:
            return each(lambda state: _chunks(rows(state), chunk_size), *operations)(state)
        return next_state(state, list(rows(state)))

    return operate


def _decoded(text: Any, encoding: str) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if not isinstance(text, bytes):
        raise TypeError(f"parse_csv reads a text or bytes, not {type(text).__name__}")
    try:
        return text.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise ValueError(
            f"the CSV is not {encoding}; name what it is, such as encoding='cp1252' for Excel's"
        ) from None


def _lines(text: str, delimiter: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        skipinitialspace=True,
        strict=True,
    )
    try:
        for line in reader:
            cells = [cell.strip() for cell in line]
            if cells not in ([], [""]):
                yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(f"the CSV cannot be read at line {reader.line_num}: {error}") from None


def _rows(lines: Iterator[tuple[int, list[str]]], names: list[str]) -> Iterator[Any]:
    twice = [place for place, name in enumerate(names, 1) if name and name in names[: place - 1]]
    if twice:
        raise ValueError(f"column {twice[0]} of the CSV has the name of one before it")
    for number, cells in lines:
        if len(cells) != len(names):
            raise ValueError(
                f"line {number} of the CSV has {len(cells)} cells where there are {len(names)} "
                "names; is the delimiter another one, such as ';'?"
            )
        yield {name: cell for name, cell in zip(names, cells, strict=True) if name}


def _chunks(rows: Iterable[Any], size: int | None) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
