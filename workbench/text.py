"""Small pieces of text that several messages share."""

from __future__ import annotations

import json


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 run` or `3 inboxes`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith('x') else 's'}"


def describe_json_error(error: Exception) -> str:
    """Return a sentence about text that is not JSON, without quoting it."""
    if isinstance(error, json.JSONDecodeError):
        problem = error.msg.removesuffix(" at")
        return f"This is not JSON: {problem} (line {error.lineno}, column {error.colno})."
    if isinstance(error, RecursionError):
        return "This JSON has too many levels."
    return f"This is not JSON: {error}."
