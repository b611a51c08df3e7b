"""Warn where OpenFn's engine would read a trigger's `criteria` differently.

The engine did not match by containment. It took each top-level key as a JSONPath, and the first
value there had to equal the value in `criteria`. Source: OpenFn/engine,
`lib/engine/criteria_trigger.ex` and `lib/engine/matcher.ex`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.project.compiler import PROJECT_FILE
from workbench.project.references import texts_at
from workbench.project.yaml_source import Problem, read_yaml

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def warnings(directory: Path) -> list[Problem]:
    """Return a warning for each `criteria` that OpenFn's engine matched differently."""
    source = read_yaml(directory / PROJECT_FILE)
    return [
        source.problem(("triggers", name, "criteria"), difference)
        for name, text in texts_at(source, "triggers", "criteria")
        for difference in engine_differences(json.loads(text))
    ]


def engine_differences(fragment: Any) -> Iterator[str]:
    """Yield a sentence for each way in which OpenFn's engine matched a fragment differently."""
    if not isinstance(fragment, dict):
        yield "OpenFn's engine accepted only an object here and failed on anything else."
        return
    if not fragment:
        yield "OpenFn's engine also matched bodies that are not objects with {}."
    for key, value in fragment.items():
        name = json.dumps(key, ensure_ascii=False)
        if not _IDENTIFIER.fullmatch(key):
            yield f"OpenFn's engine read {name} as a path. Here it is a key."
        if isinstance(value, dict | list):
            yield (
                f"OpenFn's engine required {name} to be equal to this value. "
                "Here it may contain more."
            )
        elif value is None:
            yield (
                f"OpenFn's engine also matched messages without {name}. "
                "Here the key must be present, with the value null."
            )
