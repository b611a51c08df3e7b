"""The global secondary indexes of the table, and the entries of an item in them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.store.values import Item

Entry = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index: its key attributes and those that it projects (`None`: all)."""

    name: str
    hash: str
    range: str
    projected: frozenset[str] | None


def entries(indexes: Sequence[Index], key: tuple[str, str], item: Item) -> list[Entry]:
    """Return the rows of an item in the indexes whose key attributes it has."""
    return [
        (index.name, item[index.hash]["S"], item[index.range]["S"], tie_of(key), *key)
        for index in indexes
        if index.hash in item and index.range in item
    ]


def tie_of(key: tuple[str, str]) -> int:
    """Return a number that orders items with equal sort keys in an index.

    DynamoDB promises no order among them, so this one is arbitrary too.
    """
    return zlib.crc32("|".join(key).encode())
