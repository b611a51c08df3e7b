"""The cases with PostgreSQL's answers that lie beside the project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openfn.bodies import parse_exact

CASES = Path(__file__).resolve().parents[1].parent / "shared/cases/matcher_cases.json"


def cases():
    if not CASES.exists():
        reason = "PostgreSQL's own answers lie beside the project, and not here"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    found = json.loads(CASES.read_text("utf-8"))
    return [pytest.param(case, id=case["name"]) for case in found]


def exact(case, name):
    """Give a part of a case as its JSON text is read: numbers with all their digits."""
    raw = case.get(f"{name}_raw")
    return parse_exact((json.dumps(case[name]) if raw is None else raw).encode())


def all_of(wish):
    return wish if isinstance(wish, list) else [wish]
