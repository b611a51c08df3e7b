"""Parse the body of a message: JSON, XML, forms and multipart, optionally gzipped.

JSON is tried first, whatever the content type says: `curl -d` labels it as a form. XML and forms
are converted to JSON. Text is UTF-8, or else ISO-8859-1 (ODK Aggregate before 1.4.14).
docs/sources.md describes the conversions.

Numbers stay exact for matching (`Decimal`, `int`), as in PostgreSQL's jsonb. For jobs a fraction
is a `float`, as everywhere in Python.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from openfn.errors import UnreadableBody
from openfn.messages import body_size
from openfn.messages.cpu_budget import limit_cpu

# Deeper than any form, and far below the depth at which Python's recursion fails in any stage.
_MAX_DEPTH = 200


def parse(content: bytes, headers: Mapping[str, str] | None = None) -> Any:
    """Parse a body for a job; raise `UnreadableBody` with what is wrong and where.

    A number too large for a float (1e400) becomes its text.
    """
    with limit_cpu():
        return _parse(content, headers or {}, _float_or_text)


def parse_exact(content: bytes, headers: Mapping[str, str] | None = None) -> Any:
    """Parse a body for matching; fractions become a `Decimal` with all digits."""
    with limit_cpu():
        return _parse(content, headers or {}, Decimal)


def value_at(body: Any, path: Sequence[str | int]) -> Any:
    """Return the value at a path of keys and list indexes, or `None` if it is missing."""
    for step in path:
        if isinstance(step, int):
            exists = isinstance(body, list) and -len(body) <= step < len(body)
            body = body[step] if exists else None
        else:
            body = body.get(step) if isinstance(body, dict) else None
    return body


def _parse(content: bytes, headers: Mapping[str, str], parse_float: Callable[[str], Any]) -> Any:
    lower = {name.lower(): value for name, value in headers.items()}
    content_type = lower.get("content-type", "")
    if content[:2] == b"\x1f\x8b":
        from openfn.messages import gzip_bodies  # noqa: PLC0415 - loaded when first needed

        content = gzip_bodies.expand(content)
    text = _decode(content)
    try:
        value = _parse_text(content, text, content_type, parse_float)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        # Whatever a parser raises: the bytes are stored, and the source gets a 400.
        raise UnreadableBody(f"The body cannot be parsed ({type(error).__name__}).") from None
    if text.count("{") + text.count("[") + text.count("<") > _MAX_DEPTH:
        _check_depth(value)
    return value


def _parse_text(
    content: bytes, text: str, content_type: str, parse_float: Callable[[str], Any]
) -> Any:
    start = text.lstrip()[:1]
    if not start:
        raise UnreadableBody("The body is empty. Send JSON.")
    label = content_type.partition(";")[0].strip().lower()
    if start == "<":
        from openfn.messages import xml_bodies  # noqa: PLC0415 - loaded when first needed

        body_size.check_xml(text)
        return xml_bodies.parse(content, text)
    if label == "multipart/form-data":
        from openfn.messages import multipart_bodies  # noqa: PLC0415 - loaded when first needed

        return multipart_bodies.parse(content, content_type, parse_float)
    try:
        return _parse_json(text, parse_float)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} (line {error.lineno}, column {error.colno})"
    if label == "application/x-www-form-urlencoded" and start not in "{[":
        from openfn.messages import form_bodies  # noqa: PLC0415 - loaded when first needed

        return form_bodies.parse_urlencoded(text)
    raise UnreadableBody(f"The body is not JSON: {reason}.")


def _parse_json(text: str, parse_float: Callable[[str], Any]) -> Any:
    body_size.check_json(text)
    try:
        return json.loads(text, parse_float=parse_float, parse_constant=str)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise UnreadableBody(f"The body is nested deeper than {_MAX_DEPTH} levels.") from None
    except (ValueError, ArithmeticError):  # a number with more digits than Python parses
        raise UnreadableBody("The body has a number with too many digits.") from None


def _float_or_text(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _decode(content: bytes) -> str:
    encoding = json.detect_encoding(content)
    try:
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        if not level:
            return
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    raise UnreadableBody(f"The body is nested deeper than {_MAX_DEPTH} levels.")
