"""The benchmarks: they run by hand, so this shows that a rename has not broken them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_benchmark_can_be_imported():
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
    assert len(names) >= 10
    for name in names:
        import_module(f"benchmarks.{name}")
