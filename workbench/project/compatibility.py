"""Warn where OpenFn's engine or the release 0.1.0 would read a trigger differently.

In 0.1.0, a list as `inclusion` was one fragment.

OpenFn's engine did not match by containment. It took each top-level key as a JSONPath, and the
first value there had to equal the value in `criteria`. Source: OpenFn/engine,
`lib/engine/criteria_trigger.ex` and `lib/engine/matcher.ex`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.project.compiler import PROJECT_FILE
from workbench.project.references import lists_at, texts_at
from workbench.project.yaml_source import Problem, YamlSource, read_yaml

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def warnings(directory: Path) -> list[Problem]:
    """Return a warning for each trigger that another program matched differently."""
    source = read_yaml(directory / PROJECT_FILE)
    return [*_engine_warnings(source), *_list_warnings(source)]


def _engine_warnings(source: YamlSource) -> list[Problem]:
    return [
        source.problem(("triggers", name, "criteria"), difference)
        for name, text in texts_at(source, "triggers", "criteria")
        for difference in engine_differences(json.loads(text))
    ]


def _list_warnings(source: YamlSource) -> list[Problem]:
    message = (
        "This list has one fragment. Write the fragment without a list. For a body that is a list "
        "itself, write [[…]]."
    )
    return [
        source.problem(("triggers", name, "inclusion"), message)
        for name, inclusion in lists_at(source, "triggers", "inclusion")
        if len(inclusion) == 1 and not isinstance(inclusion[0], list)
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
