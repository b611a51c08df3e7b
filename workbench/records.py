"""Runs as people read them, from the table they are kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from openfn import aws, contents, ids


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All that is kept of a run."""

    id: str
    job: str
    trigger: str
    status: str
    attempt: int
    duration_ms: int | None
    log: str
    final: dict[str, Any] | None
    error: dict[str, Any] | None
    project_version: str


def run(run_id: str) -> RunRecord | None:
    """Read a run; `None` when there is none by that id."""
    items = aws.get([ids.key_of(run_id)])
    return _run(items[0]) if items else None


def _run(item: dict[str, Any]) -> RunRecord:
    duration = item.get("duration_ms")
    return RunRecord(
        id=item["sk"],
        job=item["job"],
        trigger=item["trigger"],
        status=item["status"],
        attempt=int(item["attempt"]),
        duration_ms=None if duration is None else int(duration),
        log=contents.read("log", item).decode() if contents.has("log", item) else "",
        final=json.loads(contents.read("final", item)) if contents.has("final", item) else None,
        error=json.loads(item["error"]) if "error" in item else None,
        project_version=item["project_version"],
    )
