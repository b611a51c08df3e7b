"""Times, sizes, numbers and ids as pages show them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from markupsafe import Markup

from openfn import ids

_SECOND, _KILO = 1000, 1024


def time(moment: datetime) -> Markup:
    """Return a time in UTC, which the script shows in the reader's zone."""
    moment = moment.astimezone(UTC)
    exact = f"{moment:%Y-%m-%dT%H:%M:%S}Z"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact, exact, f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    )


def seconds(milliseconds: int | None) -> str:
    """Return a duration: `85 ms`, or `1.2 s`."""
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < _SECOND else f"{milliseconds / _SECOND:.1f} s"


def size(count: int) -> str:
    """Return a number of bytes: `419 B`, `12.3 kB`."""
    if count < _KILO:
        return f"{count} B"
    return f"{count / _KILO:.1f} kB" if count < _KILO**2 else f"{count / _KILO**2:.1f} MB"


def number(count: int) -> str:
    """Return a number with a thin space between thousands."""
    return f"{count:,}".replace(",", "\u202f")


def short_id(identifier: str) -> str:
    """Return the end of a message's id, which commands accept as well."""
    return f"…{ids.source_id_of(identifier)[-8:]}"


def run_path(run_id: str) -> str:
    """Return the path of a run's page."""
    source_id, _, job = run_id.partition("#")
    return f"/runs/{source_id}/{job}"


def pretty(text: str) -> str:
    """Return JSON text with indentation, and any other text as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json.dumps(value, indent=2, ensure_ascii=False)
