"""The cases of containment: bodies, fragments and PostgreSQL's answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openfn.bodies import parse_exact

CASES = Path(__file__).resolve().parents[2].parent / "shared/cases/matcher_cases.json"


def case_params():
    """Return the cases as pytest parameters, with their names as ids."""
    if not CASES.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the cases are not here"))]
    cases = json.loads(CASES.read_text("utf-8"))
    return [pytest.param(case, id=case["name"]) for case in cases]


def parse_part(case, name):
    """Parse a part of a case from its JSON text, with all digits of its numbers."""
    raw = case.get(f"{name}_raw")
    return parse_exact((json.dumps(case[name]) if raw is None else raw).encode())


def exclusions_of(case):
    """Return the exclusion fragments of a case."""
    if "exclusion" not in case:
        return ()
    exclusion = parse_part(case, "exclusion")
    return tuple(exclusion) if isinstance(exclusion, list) else (exclusion,)
