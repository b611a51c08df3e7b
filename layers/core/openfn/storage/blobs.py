"""Bytes of any size beside an item: compressed where it pays, in the bucket where it must.

An item holds one of three attributes: `<name>` (the bytes themselves), `<name>_zlib`
(compressed) or `<name>_object` (the bucket's key, when even compressed they are too large).
"""

from __future__ import annotations

import zlib
from typing import Any

from openfn.errors import NotFound
from openfn.storage import aws

# DynamoDB holds 400 KB per item, all attributes with their names; the rest is for the others.
ITEM_HOLDS = 350_000
_FORMS = ("", "_zlib", "_object")


def keep(name: str, content: bytes, object_key: str, limit: int = ITEM_HOLDS) -> dict[str, Any]:
    """Give the attribute that keeps the bytes; writes them to the bucket first if it must."""
    compressed = zlib.compress(content)
    if min(len(content), len(compressed)) > limit:
        aws.put_object(object_key, content)
        return {f"{name}_object": object_key}
    if len(compressed) < len(content):
        return {f"{name}_zlib": compressed}
    return {name: content}


def cleared(name: str, item: dict[str, Any]) -> dict[str, None]:
    """Give the changes that take away what an item keeps under a name."""
    return {f"{name}{form}": None for form in _FORMS if f"{name}{form}" in item}


def has(name: str, item: dict[str, Any]) -> bool:
    """Say whether an item keeps bytes under a name."""
    return any(f"{name}{form}" in item for form in _FORMS)


def read(name: str, item: dict[str, Any]) -> bytes:
    """Give the bytes an item keeps under a name."""
    if f"{name}_object" in item:
        content = aws.get_object(item[f"{name}_object"])
        if content is None:
            raise NotFound(f"the {name} of {item['sk']} is in the bucket no more")
        return content
    if f"{name}_zlib" in item:
        return zlib.decompress(item[f"{name}_zlib"])
    if name not in item:
        raise NotFound(f"the {name} of {item.get('sk')} was erased")
    kept: bytes = item[name]
    return kept
