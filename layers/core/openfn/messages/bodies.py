"""What the bytes of a message mean.

JSON comes first, whatever the content type says (`curl -d` labels it as a form). Then XML, forms
and multipart, each as the JSON it is read as. Text is UTF-8, or else ISO-8859-1 (ODK Aggregate
before 1.4.14). A body may be gzipped. docs/sources.md says what becomes of odd values.

Numbers: for matching they stay exact (`Decimal`, `int`), as PostgreSQL's jsonb keeps them; for
jobs a fraction is a `float`, as everywhere in Python.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from openfn.errors import UnreadableBody

# Deeper than any form, and far from where Python's own stack ends, in every stage alike.
_MAX_DEPTH = 200
# What a gzipped body may grow to: a few times what can be sent, well inside a function's memory.
_MAX_EXPANDED = 8_000_000
# Each object, list and element costs a function far more memory than the bytes that make it.
_MAX_VALUES = 200_000
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def parse(content: bytes, headers: Mapping[str, str] | None = None) -> Any:
    """Read a body for a job; `UnreadableBody` says what is wrong and where.

    A number that no float holds (1e400) is given as its text.
    """
    return _parse(content, headers or {}, _fraction)


def parse_exact(content: bytes, headers: Mapping[str, str] | None = None) -> Any:
    """Read a body for matching: a fraction becomes a `Decimal` with all its digits."""
    return _parse(content, headers or {}, Decimal)


def value_at(body: Any, path: Sequence[str | int]) -> Any:
    """Give the value at a path of keys and places in lists; `None` where there is none."""
    for step in path:
        if isinstance(step, int):
            there = isinstance(body, list) and -len(body) <= step < len(body)
            body = body[step] if there else None
        else:
            body = body.get(step) if isinstance(body, dict) else None
    return body


def _parse(content: bytes, headers: Mapping[str, str], fraction: Callable[[str], Any]) -> Any:
    lower = {name.lower(): value for name, value in headers.items()}
    content_type = lower.get("content-type", "")
    if content[:2] == b"\x1f\x8b":
        content = _gunzipped(content)
    text = _text(content)
    opened = _opened(text)
    if opened > _MAX_VALUES and _opened(_STRING.sub("", text)) > _MAX_VALUES:
        raise UnreadableBody(f"the body holds more than {_MAX_VALUES} objects, lists or elements")
    try:
        value = _read(content, text, content_type, fraction)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        # Whatever a parser makes of it: the bytes are kept, and the source is told.
        raise UnreadableBody(f"the body cannot be read ({type(error).__name__})") from None
    if opened > _MAX_DEPTH:
        _refuse_depth(value)
    return value


def _read(content: bytes, text: str, content_type: str, fraction: Callable[[str], Any]) -> Any:
    start = text.lstrip()[:1]
    if not start:
        raise UnreadableBody("the body is empty; send JSON")
    label = content_type.partition(";")[0].strip().lower()
    if start == "<":
        from openfn.messages import xml_bodies  # noqa: PLC0415 - loaded when first needed

        return xml_bodies.parse(content, text)
    if label == "multipart/form-data":
        from openfn.messages import form_bodies  # noqa: PLC0415 - loaded when first needed

        return form_bodies.parse_multipart(content, content_type, fraction)
    try:
        return json.loads(text, parse_float=fraction, parse_constant=str)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        raise UnreadableBody("the body is nested too deeply") from None
    except (ValueError, ArithmeticError):  # a number of more digits than Python reads
        raise UnreadableBody("the body holds a number with too many digits") from None
    if label == "application/x-www-form-urlencoded" and start not in "{[":
        from openfn.messages import form_bodies  # noqa: PLC0415 - loaded when first needed

        return form_bodies.parse_urlencoded(text)
    raise UnreadableBody(f"the body is not JSON: {where}")


def _opened(text: str) -> int:
    return text.count("{") + text.count("[") + text.count("<")


def _fraction(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _text(content: bytes) -> str:
    encoding = json.detect_encoding(content)
    try:
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


def _gunzipped(content: bytes) -> bytes:
    try:
        stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        expanded = stream.decompress(content, _MAX_EXPANDED)
    except zlib.error:
        raise UnreadableBody("the body begins like gzip and is not: send it again") from None
    if not stream.eof:
        raise UnreadableBody(
            f"the gzipped body is cut off, or expands to more than {_MAX_EXPANDED} bytes"
        )
    return expanded


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        if not level:
            return
        level = [
            part
            for each in level
            if isinstance(each, dict | list)
            for part in (each.values() if isinstance(each, dict) else each)
        ]
    raise UnreadableBody(f"the body is nested too deeply: {_MAX_DEPTH} levels are the most")
