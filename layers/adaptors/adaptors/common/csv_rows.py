"""Parse CSV into rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adaptors.common.iteration import each
from adaptors.operations import Operation, State, Value, next_state, resolve

Text = str | bytes
Header = bool | Sequence[str]
# A geometry may be longer than the 128 KB that Python allows by default.
_MAX_FIELD_CHARACTERS = 2**31 - 1


def parse_csv(
    text: Text | Value,
    *operations: Operation,
    delimiter: str = ",",
    quote: str = '"',
    header: Header = True,
    encoding: str = "utf-8",
    chunk_size: int | None = None,
) -> Operation:
    r"""Parse CSV; `data` becomes the rows.

    Operations are applied to `chunk_size` rows at a time, as `data`; afterwards `data` is the
    original again: `parse_csv(text, insert_many(…), chunk_size=500)`.

    A row is a dict with the names of the first line, or of `header`; with `header=False` it is a
    list. Cells are texts without surrounding spaces. Empty lines, and columns without a name, are
    left out. A byte order mark is dropped. Raises ValueError with the number of a line that has
    another number of cells than there are names, or that is not valid CSV.

    >>> parse_csv("name;age\nAmina;7\n", delimiter=";")({})["data"]
    [{'name': 'Amina', 'age': '7'}]
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size is at least 1, not {chunk_size}.")

    def rows(state: State) -> Iterator[Any]:
        lines = _lines(_decode(resolve(state, text), encoding), delimiter, quote)
        if header is False:
            return (cells for _, cells in lines)
        names = next(lines, (0, []))[1] if header is True else list(header)
        return _rows(lines, names)

    if operations:
        return each(lambda state: _chunks(rows(state), chunk_size), *operations)

    def operate(state: State) -> State:
        return next_state(state, list(rows(state)))

    return operate


def _decode(text: Any, encoding: str) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if not isinstance(text, bytes):
        raise TypeError(f"parse_csv accepts a text or bytes, not {type(text).__name__}.")
    try:
        return text.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise ValueError(
            f"The CSV is not {encoding}. Set its encoding, such as encoding='cp1252' for Excel."
        ) from None


def _lines(text: str, delimiter: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
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
        raise ValueError(f"The CSV is not valid at line {reader.line_num}: {error}.") from None


def _rows(lines: Iterator[tuple[int, list[str]]], names: list[str]) -> Iterator[Any]:
    repeated = [
        number for number, name in enumerate(names, 1) if name and name in names[: number - 1]
    ]
    if repeated:
        raise ValueError(f"Column {repeated[0]} of the CSV has the name of an earlier one.")
    for number, cells in lines:
        if len(cells) != len(names):
            raise ValueError(
                f"Line {number} of the CSV has {len(cells)} cells, but there are {len(names)} "
                "names. Check the delimiter: delimiter=';'?"
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
