"""Small pieces of text that several messages share."""

from __future__ import annotations


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 run` or `3 runs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
