"""The functions' log lines, told as one readable line each."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from openfn.history import details
from openfn.log_events import LogEvent
from workbench.local.destination import Received

_STYLES = {"inbox": "cyan", "matcher": "magenta", "runner": "green", "destination": "yellow"}
_SENTENCES: dict[str, str] = {
    LogEvent.MESSAGE_STORED: "kept {size} bytes for {inbox} as {message_id}",
    LogEvent.MESSAGE_MATCHED: "{trigger} matched → {job}",
    LogEvent.MESSAGE_UNMATCHED: "no trigger matches (try `ofn match` on the body)",
    LogEvent.MESSAGE_UNREADABLE: (
        "kept {size} bytes for {inbox}, which cannot be read: answered 400"
    ),
    LogEvent.MESSAGE_REFUSED: "refused a post to {inbox}: answered {status}",
    LogEvent.RUN_DUE: "{trigger} is due → {job}",
    LogEvent.RUN_FOLLOWS: "{after} is over → {job}",
    LogEvent.MESSAGES_EMITTED: "emitted {messages} messages",
    LogEvent.RUN_WAITING: "{job} failed for now, and is tried again at {next}: {why}",
    LogEvent.RUN_SUCCEEDED: "{job} succeeded in {duration_ms} ms",
    LogEvent.RUN_FAILED: "{job} FAILED: {why}",
}
_FURNITURE = ("level", "message", "timestamp", "service")
_SHOWN = 100


class Narrator:
    """Tells on a console what the stack's functions log and what the destination receives."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def tell(self, function: str, line: str) -> None:
        """Tell a function's log line; metrics are passed over."""
        event = parsed(line)
        if event is None:
            self._say(function, line)
        elif "_aws" not in event:
            self._say(function, _sentence(event))

    def told(self, received: Received) -> None:
        """Tell what the destination received."""
        body = received.body.decode("utf-8", "replace")
        shown = body if len(body) <= _SHOWN else f"{body[:_SHOWN]}… ({len(received.body)} bytes)"
        self._say("destination", f"{received.method} {received.path} {shown}")

    def _say(self, who: str, what: str) -> None:
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        style = _STYLES.get(who, "white")
        line = f"[dim]{now}[/dim] [{style}]{who:<11}[/{style}] {escape(what)}"
        self._console.print(line, soft_wrap=True)


def parsed(line: str) -> dict[str, Any] | None:
    """Give a structured log line, or `None` for any other line."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def why(event: dict[str, Any]) -> str:
    """Say why a run failed, in the words the run keeps."""
    record = details.run(event["run_id"])
    if record is None or record.error is None:
        return str(event["error"])
    error = record.error
    return f"line {error['line']}, {error['operation']}: {error['type']}: {error['message']}"


def _sentence(event: dict[str, Any]) -> str:
    what = str(event.get("message"))
    if what not in _SENTENCES:
        rest = {name: value for name, value in event.items() if name not in _FURNITURE}
        return f"{what} {rest or ''}".strip()
    told = {"inbox": "an unknown inbox", "status": "", **event}
    if what in (LogEvent.RUN_FAILED, LogEvent.RUN_WAITING):
        told["why"] = why(event)
    late = f", to be queued {event['queued']}" if "queued" in event else ""
    message_id = event.get("message_id") or event.get("run_id", "").partition("#")[0]
    which = f"  …{message_id[-6:]}" if message_id and "{message_id}" not in _SENTENCES[what] else ""
    return _SENTENCES[what].format_map(told) + late + which
