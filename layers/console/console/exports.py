"""Messages and runs as CSV and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from console import reads
from openfn.history.messages import MessageSummary
from openfn.history.runs import RunSummary

CSV, JSON_LINES = "text/csv; charset=utf-8", "application/jsonl; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BOM = "\ufeff"


def messages_as_csv(rows: Iterable[MessageSummary]) -> str:
    """Return messages as a table."""
    table = [
        (row.received.isoformat(), row.id, row.inbox, row.state, *_join_runs(row.runs))
        for row in rows
    ]
    return to_csv(("received", "message", "inbox", "state", "jobs", "statuses"), table)


def messages_as_json_lines(rows: Sequence[MessageSummary]) -> str:
    """Return messages with their bodies, one JSON object a line."""
    stored = reads.messages_by_id([row.id for row in rows])
    lines = []
    for row in rows:
        body = stored[row.id].message.body if row.id in stored else b""
        fields = {
            "message": row.id,
            "received": row.received.isoformat(),
            "inbox": row.inbox,
            "state": row.state,
            "body": body.decode("utf-8", "backslashreplace"),
            "runs": {run.job: run.status for run in row.runs},
        }
        lines.append(json.dumps(fields, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def runs_as_csv(rows: Iterable[RunSummary]) -> str:
    """Return runs as a table."""
    table = []
    for row in rows:
        error = row.error or {}
        texts = (str(error.get(name, "")) for name in ("type", "message", "line", "verdict"))
        duration = "" if row.duration_ms is None else str(row.duration_ms)
        first = (row.received.isoformat(), row.id, row.job, row.trigger, row.status)
        table.append((*first, str(row.attempt), duration, *texts))
    names = ("received", "run", "job", "trigger", "status", "attempt", "duration_ms")
    return to_csv((*names, "error", "error_message", "line", "verdict"), table)


def to_csv(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in which no cell is calculated, with a mark that it is UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return _BOM + text.getvalue()


def _join_runs(runs: Sequence[RunSummary]) -> tuple[str, str]:
    return " ".join(run.job for run in runs), " ".join(run.status for run in runs)


def _harmless(cell: str) -> str:
    """Return a cell that a spreadsheet does not calculate."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
