"""The benchmarks: they run by hand, so this shows that a rename has not broken them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_benchmark_can_be_imported():
    paths = [path.relative_to(ROOT) for path in (ROOT / "benchmarks").rglob("*.py")]
    names = sorted(".".join(path.with_suffix("").parts) for path in paths)
    assert len(names) >= 10
    for name in names:
        import_module(name)
