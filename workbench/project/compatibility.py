"""What a project means here that another reading of the same file would not.

OpenFn's engine, which read `criteria`, did not match by containment: it took each top-level key as
a JSONPath, and the first value there had to equal what was written. Source: OpenFn/engine,
`lib/engine/criteria_trigger.ex` and `lib/engine/matcher.ex`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.project.compiler import PROJECT_FILE
from workbench.project.references import entries
from workbench.project.yaml_source import Mistake, read

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def notes(directory: Path) -> list[Mistake]:
    """Give a note for each `criteria` that OpenFn's engine would have matched differently."""
    source = read(directory / PROJECT_FILE)
    return [
        source.mistake(("triggers", name, "criteria"), f"OpenFn's engine {what}")
        for name, text in entries(source, "triggers", "criteria")
        for what in engine_differences(json.loads(text))
    ]


def engine_differences(fragment: Any) -> Iterator[str]:
    """Say where OpenFn's engine would have matched a fragment differently than it is here."""
    if not isinstance(fragment, dict):
        yield "took only an object here, and failed on this"
        return
    if not fragment:
        yield "took bodies that are no object as well, for {}"
    for key, value in fragment.items():
        shown = json.dumps(key, ensure_ascii=False)
        if not _PLAIN.fullmatch(key):
            yield f"read {shown} as a path, and not as the key it is here"
        if isinstance(value, dict | list):
            yield f"wanted {shown} to be equal as a whole; here it may hold more than is written"
        elif value is None:
            yield f"also took a message without {shown}; here it must be there, as null"
