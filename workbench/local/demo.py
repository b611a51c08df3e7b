"""`ofn demo`: send real posts from source to destination through the embedded stack."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from openfn.log_events import LogEvent
from workbench.errors import CommandError
from workbench.local.destination import Destination, Received, run_destination
from workbench.local.log_view import describe_failure, parse_log_line
from workbench.local.sample_posts import POSTS, Post
from workbench.local.stack import create_stack
from workbench.project.compiler import check

_TIMEOUT_SECONDS = 15
_RUN_ENDED = (LogEvent.RUN_SUCCEEDED, LogEvent.RUN_FAILED)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One post with its response, triggers, runs and delivered requests."""

    source: str
    answer: str
    message_id: str | None
    triggers: tuple[str, ...]
    runs: tuple[str, ...]
    received: tuple[Received, ...]

    @property
    def arrived(self) -> bool:
        """Whether every trigger's run succeeded and the destination received data."""
        succeeded = [run for run in self.runs if run.endswith("succeeded")]
        return self.answer == "200 {}" and len(succeeded) == len(self.triggers) > 0 < len(
            self.received
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the delivery as `ofn demo --json` prints it."""
        received = [f"{request.method} {request.path}" for request in self.received]
        return asdict(self) | {"received": received, "arrived": self.arrived}


class _EventLog:
    """Collects the log events of the functions and waits for the end of runs."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()

    def record(self, _function: str, line: str) -> None:
        with self._changed:
            self._events.append(parse_log_line(line) or {})
            self._changed.notify_all()

    def of_message(self, message_id: str) -> list[dict[str, Any]]:
        """Return the events of one message and its runs."""
        return [
            event
            for event in self._events
            if event.get("message_id", event.get("run_id", "").partition("#")[0]) == message_id
        ]

    def wait_for_runs(self, message_id: str) -> None:
        """Wait until every run of a message has ended, or no trigger matched it."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended(message_id), timeout=_TIMEOUT_SECONDS)

    def _has_ended(self, message_id: str) -> bool:
        names = [event.get("message") for event in self.of_message(message_id)]
        ended = sum(names.count(name) for name in _RUN_ENDED)
        return (
            LogEvent.MESSAGE_UNMATCHED in names
            or 0 < names.count(LogEvent.MESSAGE_MATCHED) == ended
        )


def demonstrate(project: Path, on_step: Callable[[str], None]) -> list[Delivery]:
    """Send every post of `events/` through a project; `on_step` receives the progress."""
    with demonstrated(project, on_step) as (deliveries, _):
        on_step("stopping")
    return deliveries


@contextmanager
def demonstrated(
    project: Path, on_step: Callable[[str], None]
) -> Iterator[tuple[list[Delivery], dict[str, str]]]:
    """Send the posts as `demonstrate` does; yield the deliveries and the inboxes' URLs.

    The stack runs until the context ends.
    """
    _require_inboxes(project)
    events = _EventLog()
    on_step("starting the stack from template.yaml")
    with (
        create_stack(project, events.record, workers=True) as stack,
        run_destination() as destination,
    ):
        for name in check(project).credentials:
            stack.set_credential(
                name, {"baseUrl": destination.url, "username": "demo", "password": "demo"}
            )
        with stack.serving() as urls, stack.running():
            deliveries = []
            for post in POSTS:
                on_step(f"sending the post of {post.source}")
                deliveries.append(_deliver(post, urls[post.inbox], events, destination))
            yield deliveries, urls


def _require_inboxes(project: Path) -> None:
    required = {post.inbox for post in POSTS}
    if missing := sorted(required - set(check(project).inboxes)):
        raise CommandError(
            f"The demo posts to the inboxes {' and '.join(sorted(required))}. This project has no "
            f"inbox {' and no inbox '.join(missing)}. Use `ofn serve`, which runs any project."
        )


def _deliver(post: Post, url: str, log: _EventLog, destination: Destination) -> Delivery:
    already_received = len(destination.received)
    response = post.send(url)
    message_id = response.headers.get("X-Message-Id")
    if message_id:
        log.wait_for_runs(message_id)
    events = log.of_message(message_id) if message_id else []
    return Delivery(
        source=post.source,
        answer=f"{response.status_code} {response.text}",
        message_id=message_id,
        triggers=tuple(
            event["trigger"] for event in events if event.get("message") == LogEvent.MESSAGE_MATCHED
        ),
        runs=tuple(_describe_run(event) for event in events if event.get("message") in _RUN_ENDED),
        received=tuple(destination.received[already_received:]),
    )


def _describe_run(event: dict[str, Any]) -> str:
    reason = f": {describe_failure(event)}" if event["message"] == LogEvent.RUN_FAILED else ""
    return f"{event['job']} {event['message'].removeprefix('run ')}{reason}"
