"""Write rows as an Excel file whose cells are all text.

CommCare accepts CSV too, but guesses types from it: `007` becomes a date and `yes` a boolean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from adaptors._formats import plain_text
from adaptors.errors import ConfigurationError

_MAX_CHARACTERS = 32_767  # in one cell of Excel


def write(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the file. Its columns are the rows' keys, in the order of their first appearance.

    A row without a key has an empty cell there.

    >>> write([{"external_id": "007", "name": "Amina"}])[:2]
    b'PK'
    """
    # Importing it takes 10 ms, which only an import of cases should spend.
    from xlsxwriter import Workbook  # noqa: PLC0415

    columns = list(dict.fromkeys(key for row in rows for key in row))
    header = {key: key for key in columns}
    file = BytesIO()
    with Workbook(file, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for row_number, row in enumerate([header, *rows]):
            for column_number, key in enumerate(columns):
                if row.get(key) is not None:
                    sheet.write_string(row_number, column_number, _cell(key, row[key]))
    return file.getvalue()


def _cell(key: str, value: Any) -> str:
    text = plain_text.format_value(value)
    if len(text) > _MAX_CHARACTERS:
        raise ConfigurationError(
            f"{key}: a text has more than the {_MAX_CHARACTERS} characters that an Excel cell "
            "holds. Shorten it."
        )
    return text
