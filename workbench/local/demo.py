"""`ofn demo`: real posts from source to destination on the embedded stack."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from openfn.log_events import LogEvent
from workbench.errors import CommandError
from workbench.local import destination, stack
from workbench.local.destination import Destination, Received
from workbench.local.log_view import parsed, why
from workbench.local.sample_posts import POSTS, Post
from workbench.project.compiler import check

_SECONDS = 15
_RUN_OVER = (LogEvent.RUN_SUCCEEDED, LogEvent.RUN_FAILED)


@dataclass(frozen=True, slots=True)
class Journey:
    """What became of one post."""

    source: str
    answer: str
    message_id: str | None
    triggers: tuple[str, ...]
    runs: tuple[str, ...]
    received: tuple[Received, ...]

    @property
    def arrived(self) -> bool:
        """Whether the post was accepted, matched, run and received."""
        good = [run for run in self.runs if run.endswith("succeeded")]
        return self.answer == "200 {}" and len(good) == len(self.triggers) > 0 < len(self.received)

    def as_dict(self) -> dict[str, Any]:
        """Give the journey for a machine."""
        received = [f"{each.method} {each.path}" for each in self.received]
        return asdict(self) | {"received": received, "arrived": self.arrived}


class _Watch:
    """Collects the functions' log lines and lets one wait for some."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._new = threading.Condition()

    def tell(self, _function: str, line: str) -> None:
        with self._new:
            self._events.append(parsed(line) or {})
            self._new.notify_all()

    def of(self, message_id: str) -> list[dict[str, Any]]:
        """Give the events of one message and its runs."""
        return [
            event
            for event in self._events
            if event.get("message_id", event.get("run_id", "").partition("#")[0]) == message_id
        ]

    def wait(self, message_id: str) -> None:
        """Wait until every job a message matched is over, or it matched none."""
        with self._new:
            self._new.wait_for(lambda: self._over(message_id), timeout=_SECONDS)

    def _over(self, message_id: str) -> bool:
        told = [event.get("message") for event in self.of(message_id)]
        over = sum(told.count(each) for each in _RUN_OVER)
        return (
            LogEvent.MESSAGE_UNMATCHED in told or 0 < told.count(LogEvent.MESSAGE_MATCHED) == over
        )


def demonstrate(project: Path, step: Callable[[str], None]) -> list[Journey]:
    """Send every post of `events/` through a project; `step` is told what happens next."""
    _fits(project)
    watch = _Watch()
    step("starting the stack from template.yaml")
    with stack.created(project, watch.tell) as made, destination.running() as sink:
        for name in check(project).credentials:
            made.set_credential(name, {"baseUrl": sink.url, "username": "demo", "password": "demo"})
        with made.serving() as urls, made.working():
            journeys = []
            for post in POSTS:
                step(f"posting as {post.source} does")
                journeys.append(_travel(post, urls[post.inbox], watch, sink))
            step("stopping")
    return journeys


def _fits(project: Path) -> None:
    wanted = {post.inbox for post in POSTS}
    if missing := sorted(wanted - set(check(project).inboxes)):
        raise CommandError(
            f"the demo posts to {' and '.join(sorted(wanted))}, and this project has no inbox "
            f"{' nor '.join(missing)}; `ofn serve` runs any project"
        )


def _travel(post: Post, url: str, watch: _Watch, sink: Destination) -> Journey:
    before = len(sink.received)
    answer = post.send(url)
    message_id = answer.headers.get("X-Message-Id")
    if message_id:
        watch.wait(message_id)
    events = watch.of(message_id) if message_id else []
    return Journey(
        source=post.source,
        answer=f"{answer.status_code} {answer.text}",
        message_id=message_id,
        triggers=tuple(
            e["trigger"] for e in events if e.get("message") == LogEvent.MESSAGE_MATCHED
        ),
        runs=tuple(_ended(e) for e in events if e.get("message") in _RUN_OVER),
        received=tuple(sink.received[before:]),
    )


def _ended(event: dict[str, Any]) -> str:
    reason = f": {why(event)}" if event["message"] == LogEvent.RUN_FAILED else ""
    return f"{event['job']} {event['message'].removeprefix('run ')}{reason}"
