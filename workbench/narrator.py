"""The functions' log lines, told as one readable line each."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from workbench import records
from workbench.destination import Received

_STYLES = {"inbox": "cyan", "matcher": "magenta", "runner": "green", "destination": "yellow"}
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
    record = records.run(event["run_id"])
    if record is None or record.error is None:
        return str(event["error"])
    error = record.error
    return f"line {error['line']}, {error['operation']}: {error['type']}: {error['message']}"


def _sentence(event: dict[str, Any]) -> str:
    match event.get("message"):
        case "message kept":
            late = f", to be queued {event['queued']}" if "queued" in event else ""
            return f"kept {event['size']} bytes for {event['inbox']} as {event['message_id']}{late}"
        case "message matched":
            return f"{event['trigger']} matched → {event['job']}"
        case "message unmatched":
            return f"no trigger matches {event['message_id']} (try `ofn match` on its body)"
        case "run succeeded":
            return f"{event['job']} succeeded in {event['duration_ms']} ms"
        case "run failed":
            return f"{event['job']} FAILED: {why(event)}"
    rest = {k: v for k, v in event.items() if k not in ("level", "message", "timestamp", "service")}
    return f"{event.get('message')} {rest or ''}".strip()
