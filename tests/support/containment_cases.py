"""The cases of tests/cases/containment.json: fragments, messages and PostgreSQL's answers.

`engine_match` is the answer of OpenFn's archived engine, which compared top-level keys as a whole.
A `_raw` part is JSON text that a reader could change, such as the digits of a number.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openfn.messages.bodies import parse_exact

CASES = json.loads(
    (Path(__file__).resolve().parents[1] / "cases/containment.json").read_text("utf-8")
)


def case_params():
    """Return the cases as pytest parameters, with their names as ids."""
    return [pytest.param(case, id=case["name"]) for case in CASES]


def json_part(case, name):
    """Return the JSON text of a case's fragment or message."""
    return case[f"{name}_raw"] if f"{name}_raw" in case else json.dumps(case[name])


def parse_part(case, name):
    """Parse a case's fragment or message with all digits of its numbers."""
    return parse_exact(json_part(case, name).encode())


def exclusions_of(case):
    """Return the exclusion fragments of a case."""
    exclusion = case.get("exclusion", [])
    return tuple(exclusion) if isinstance(exclusion, list) else (exclusion,)
