"""What the bytes of a message mean, and the bytes that mean it.

Numbers: for matching they stay exact (`Decimal`, `int`), as PostgreSQL's jsonb keeps them; for
jobs a fraction is a `float`, as everywhere in Python.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from openfn.errors import UnreadableBody


def parse(content: bytes) -> Any:
    """Read a body for a job; `UnreadableBody` says what is wrong and where."""
    return _parse(content, float)


def parse_exact(content: bytes) -> Any:
    """Read a body for matching: a fraction becomes a `Decimal` with all its digits."""
    return _parse(content, Decimal)


def _parse(content: bytes, fraction: type[float | Decimal]) -> Any:
    if not content.strip():
        raise UnreadableBody("the body is empty; send JSON")
    try:
        return json.loads(_text(content), parse_float=fraction)
    except json.JSONDecodeError as error:
        raise UnreadableBody(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise UnreadableBody("the body is nested too deeply") from None
    except ValueError:  # an integer of more digits than Python reads
        raise UnreadableBody("the body holds a number with too many digits") from None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # ODK Aggregate before 1.4.14 sends ISO-8859-1 without saying so.
        return content.decode("iso-8859-1")
