"""Format log lines and the destination's requests as one readable line each."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from openfn.control_characters import escape_controls
from openfn.history import details
from openfn.log_events import LogEvent
from workbench.local.destination import Received

_STYLES = {"inbox": "cyan", "matcher": "magenta", "runner": "green", "destination": "yellow"}
_SENTENCES: dict[str, str] = {
    LogEvent.MESSAGE_STORED: "stored {size} bytes from inbox {inbox} as {message_id}",
    LogEvent.MESSAGE_MATCHED: "{trigger} matched → {job}",
    LogEvent.MESSAGE_UNMATCHED: "no trigger matches (try `ofn match` on the body)",
    LogEvent.MESSAGE_UNMATCHABLE: "{message_id} cannot be matched ({error} at {where})",
    LogEvent.MESSAGE_UNREADABLE: "stored {size} unreadable bytes from inbox {inbox}: answered 400",
    LogEvent.MESSAGE_REFUSED: "refused a post to {inbox}: answered {status}",
    LogEvent.QUERY_IGNORED: "ignored the query of a {method} to {inbox}",
    LogEvent.RUN_DUE: "{trigger} is due → {job}",
    LogEvent.RUN_FOLLOWS: "{after} has ended → {job}",
    LogEvent.MESSAGES_EMITTED: "emitted {messages} messages",
    LogEvent.RUN_WAITING: "{job} failed and will be tried again at {next}: {reason}",
    LogEvent.RUN_SUCCEEDED: "{job} succeeded in {duration_ms} ms",
    LogEvent.RUN_FAILED: "{job} FAILED: {reason}",
}
_STANDARD_FIELDS = ("level", "message", "timestamp", "service")
_MAX_BODY_CHARACTERS = 100
_METRICS = '{"_aws":'


class LogView:
    """Prints log lines of functions and requests of the destination to a console."""

    def __init__(self, console: Console, write: Callable[[str], object] | None = None) -> None:
        """Print to a console, or with `write` in its format."""
        self._console, self._write = console, write or self._write_to_console

    def print_log_line(self, function: str, line: str) -> None:
        """Print a function's log line, unless it holds metrics."""
        if line.startswith(_METRICS):
            return
        event = parse_log_line(line)
        if event is None:
            self._print(function, line)
        elif "_aws" not in event:
            self._print(function, _describe(event))

    def print_received(self, received: Received) -> None:
        """Print a request that the destination received."""
        body = received.body.decode("utf-8", "replace")
        if len(body) > _MAX_BODY_CHARACTERS:
            body = f"{body[:_MAX_BODY_CHARACTERS]}… ({len(received.body)} bytes)"
        self._print("destination", f"{received.method} {received.path} {body}")

    def _print(self, source: str, text: str) -> None:
        # Rich takes longer to lay out a line than the inbox to store a message.
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        name = self._styled(f"{source:<11}", _STYLES.get(source, "white"))
        self._write(f"{self._styled(now, 'dim')} {name} {escape_controls(text)}\n")

    def _write_to_console(self, line: str) -> None:
        file = self._console.file
        file.write(line)
        file.flush()

    def _styled(self, text: str, style: str) -> str:
        if self._console.color_system is None:
            return text
        return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


def parse_log_line(line: str) -> dict[str, Any] | None:
    """Parse a structured log line; return None for any other line."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def describe_failure(event: dict[str, Any]) -> str:
    """Describe why a run failed, from the error that the run stores."""
    run = details.run(event["run_id"])
    if run is None or run.error is None:
        return str(event["error"])
    error = run.error
    return f"line {error['line']}, {error['operation']}: {error['type']}: {error['message']}"


def _describe(event: dict[str, Any]) -> str:
    message = str(event.get("message"))
    sentence = _SENTENCES.get(message)
    if sentence is None:
        fields = {name: value for name, value in event.items() if name not in _STANDARD_FIELDS}
        return f"{message} {fields or ''}".strip()
    values = {"inbox": "an unknown inbox", "status": "", **event}
    if message in (LogEvent.RUN_FAILED, LogEvent.RUN_WAITING):
        values["reason"] = describe_failure(event)
    return sentence.format_map(values) + _describe_queueing(event) + _short_id(event, sentence)


def _describe_queueing(event: dict[str, Any]) -> str:
    return f", to be queued {event['queued']}" if "queued" in event else ""


def _short_id(event: dict[str, Any], sentence: str) -> str:
    message_id = event.get("message_id") or event.get("run_id", "").partition("#")[0]
    return f"  …{message_id[-6:]}" if message_id and "{message_id}" not in sentence else ""
