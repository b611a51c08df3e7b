"""The responses of `ofn try --response`: a key and a file for each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import CommandError
from workbench.testing.responses import StubResponses, in_turn

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def parse_responses(options: Iterable[str]) -> StubResponses:
    """Parse `GET=visits.json`, `GET api/me=me.json` or `select id=rows.json`.

    Several responses with the same key are used one after the other.
    """
    bodies: dict[str, list[Any]] = {}
    for option in options:
        key, separator, file = option.rpartition("=")
        key = key.strip()
        if not separator or not key:
            raise CommandError(
                f"--response {option} has no file. Write a method, optionally the end of a path, "
                "and a file: --response GET=visits.json"
            )
        bodies.setdefault(f"{key} *" if key in _METHODS else key, []).append(_read(Path(file)))
    return StubResponses(
        {key: parts[0] if len(parts) == 1 else in_turn(*parts) for key, parts in bodies.items()}
    )


def _read(file: Path) -> Any:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise CommandError(f"The response {file} cannot be read: {reason}.") from None
    try:
        return json.loads(text)
    except ValueError:
        return text
