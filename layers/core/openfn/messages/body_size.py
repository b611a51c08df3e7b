"""Limits on the number of values in a body, counted before it is parsed.

A parsed value takes up to fifty times the memory of its bytes. Counting takes linear time and
little memory, whatever the text is: it reads one slice of the text after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from openfn.errors import UnreadableBody

# Each object, list and element takes far more memory than its bytes in the body.
_MAX_CONTAINERS = 200_000
# A fraction takes about 100 bytes of memory, and a key and its value in an object even more.
_MAX_VALUES = 1_000_000
_SLICE = 65_536
_NO_BACKSLASH = re.compile(r"[^\\]")


def check_json(text: str) -> None:
    """Raise `UnreadableBody` if a JSON text has too many values."""
    containers, commas = text.count("{") + text.count("["), text.count(",")
    if containers <= _MAX_CONTAINERS and commas <= _MAX_VALUES:
        return
    containers = commas = 0
    for part in _outside_strings(text):
        containers += part.count("{") + part.count("[")
        commas += part.count(",")
        if containers > _MAX_CONTAINERS:
            raise UnreadableBody(f"The body has more than {_MAX_CONTAINERS} objects or lists.")
        if commas > _MAX_VALUES:
            raise UnreadableBody(f"The body has more than {_MAX_VALUES} values.")


def check_xml(text: str) -> None:
    """Raise `UnreadableBody` if an XML text has too many elements or attributes."""
    if text.count("<") > _MAX_CONTAINERS or text.count("=") > _MAX_CONTAINERS:
        raise UnreadableBody(
            f"The body has more than {_MAX_CONTAINERS} XML tags or attributes. Post less at once."
        )


def _outside_strings(text: str) -> Iterator[str]:
    """Yield the parts of a JSON text that are outside strings, a slice at a time."""
    inside = False
    for part in _slices(text):
        # Escapes are removed, so that every quote that is left begins or ends a string.
        parts = part.replace("\\\\", "").replace('\\"', "").split('"')
        yield "".join(parts[inside::2])
        inside ^= len(parts) % 2 == 0


def _slices(text: str) -> Iterator[str]:
    """Yield the text in slices, none of which ends inside an escape."""
    start = 0
    while start < len(text):
        end = start + _SLICE
        if text[end - 1 : end] == "\\":
            match = _NO_BACKSLASH.search(text, end)
            end = match.end() if match else len(text)
        yield text[start:end]
        start = end
