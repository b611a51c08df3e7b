"""Parse URL-encoded forms into an object of texts, with a list for a repeated name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from openfn.errors import UnreadableBody

_MAX_FIELDS = 10_000
_SLICE = 65_536
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BYTES = {b"%02x" % number: bytes([number]) for number in range(256)}


def parse_urlencoded(text: str) -> dict[str, Any]:
    """Parse a URL-encoded form; a name without a value has an empty text."""
    if "=" not in text:
        raise UnreadableBody("The content type is a form, but the body has no name=value.")
    if text.count("&") >= _MAX_FIELDS:
        raise UnreadableBody(f"The form has more than {_MAX_FIELDS} fields.")
    pairs = (field.partition("=") for field in text.strip().split("&") if field)
    return as_object((_unquote(name), _unquote(value)) for name, _, value in pairs)


def _unquote(text: str) -> str:
    # In slices, since `unquote` needs a hundred times the memory of its text.
    content = text.replace("+", " ").encode("utf-8", "surrogatepass")
    pieces, start = [], 0
    while start < len(content):
        end = start + _SLICE
        escape = content.find(b"%", end - 2, end)
        end = end if escape < 0 else escape
        pieces.append(_ESCAPE.sub(lambda match: _BYTES[match[1].lower()], content[start:end]))
        start = end
    unquoted = b"".join(pieces)
    try:
        return unquoted.decode("utf-8")
    except UnicodeDecodeError:
        return unquoted.decode("iso-8859-1")


def as_object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of named values, with a list for a repeated name."""
    fields: dict[str, list[Any]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
