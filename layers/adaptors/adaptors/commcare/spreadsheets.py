"""Rows as an Excel file whose every cell is text.

CommCare takes CSV too, but guesses what each value is: `007` becomes a date and `yes` a truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from adaptors._formats import plain_text
from adaptors.errors import ConfigurationError

_MOST = 32_767  # characters that Excel allows in a cell


def write(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Give the file; its columns are the rows' keys, in the order in which they first appear.

    A row without a key leaves the cell empty.

    >>> write([{"external_id": "007", "name": "Amina"}])[:2]
    b'PK'
    """
    # 10 ms that only an import of cases should pay.
    from xlsxwriter import Workbook  # noqa: PLC0415

    columns = list(dict.fromkeys(key for row in rows for key in row))
    file = BytesIO()
    with Workbook(file, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, line in enumerate([{key: key for key in columns}, *rows]):
            for column, key in enumerate(columns):
                if line.get(key) is not None:
                    sheet.write_string(number, column, _cell(key, line[key]))
    return file.getvalue()


def _cell(key: str, value: Any) -> str:
    text = plain_text.format_value(value)
    if len(text) > _MOST:
        raise ConfigurationError(f"{key}: a cell holds at most {_MOST} characters")
    return text
