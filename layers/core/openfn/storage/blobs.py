"""Store bytes of any size: in the item, compressed if smaller, or in the bucket.

An item has one of three attributes: `<name>` (the bytes), `<name>_zlib` (compressed bytes) or
`<name>_object` (the key of an object in the bucket).
"""

from __future__ import annotations

import zlib

from openfn.errors import NotFound
from openfn.storage import aws
from openfn.storage.dynamodb_values import Item

# DynamoDB allows 400 KB per item, all attributes and their names together.
MAX_ITEM_BYTES = 350_000
_OBJECT = "_object"
_SUFFIXES = ("", "_zlib", _OBJECT)
_PIECE_BYTES = 1 << 17


def store(name: str, content: bytes, object_key: str, limit: int = MAX_ITEM_BYTES) -> Item:
    """Return the attribute for the bytes, after writing them to the bucket if above `limit`."""
    compressed = _compress(content, limit)
    if compressed is None:
        aws.put_object(object_key, content)
        return {f"{name}_object": object_key}
    if len(compressed) < len(content):
        return {f"{name}_zlib": compressed}
    return {name: content}


def clear(name: str, item: Item) -> dict[str, None]:
    """Return the changes that remove the bytes of this name from an item."""
    return {f"{name}{suffix}": None for suffix in _SUFFIXES if f"{name}{suffix}" in item}


def delete(attributes: Item) -> None:
    """Delete the objects that `store` has just written for attributes, if no item got these."""
    for name, key in attributes.items():
        if name.endswith(_OBJECT) and key is not None:
            aws.delete_object(key)


def has(name: str, item: Item) -> bool:
    """Return whether an item has bytes of this name."""
    return any(f"{name}{suffix}" in item for suffix in _SUFFIXES)


def read(name: str, item: Item) -> bytes:
    """Return the bytes of this name; raise `NotFound` if they were deleted."""
    if f"{name}_object" in item:
        content = aws.get_object(item[f"{name}_object"])
        if content is None:
            raise NotFound(f"The {name} of {item['sk']} was deleted from the bucket.")
        return content
    if f"{name}_zlib" in item:
        return zlib.decompress(item[f"{name}_zlib"])
    if name not in item:
        raise NotFound(f"The {name} of {item.get('sk')} was erased.")
    stored: bytes = item[name]
    return stored


def _compress(content: bytes, limit: int) -> bytes | None:
    """Return the bytes compressed; `None` as soon as neither they nor this are within the limit."""
    if len(content) <= limit:
        return zlib.compress(content)
    compressor, pieces, size = zlib.compressobj(), list[bytes](), 0
    for start in range(0, len(content), _PIECE_BYTES):
        pieces.append(compressor.compress(memoryview(content)[start : start + _PIECE_BYTES]))
        size += len(pieces[-1])
        if size > limit:  # the rest would be compressed in vain
            return None
    compressed = b"".join([*pieces, compressor.flush()])
    return None if len(compressed) > limit else compressed
