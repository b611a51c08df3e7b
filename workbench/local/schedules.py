"""Invoke functions on their schedules, as EventBridge does."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from workbench.store.stack_template import REGION

Invoke = Callable[[str, dict[str, Any]], Any]
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


@contextmanager
def run_schedules(schedules: Mapping[str, str], invoke: Invoke) -> Iterator[None]:
    """Invoke each schedule's function in the background whenever it is due."""
    with ExitStack() as context:
        for expression, function in schedules.items():
            interval = _parse_rate(expression)
            context.enter_context(_run_every(interval, partial(tick, function, invoke)))
        yield


def tick(function: str, invoke: Invoke) -> None:
    """Invoke a function with one scheduled event."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [],
        "detail": {},
    }
    invoke(function, event)


@contextmanager
def _run_every(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(seconds):
            action()

    thread = threading.Thread(target=loop, name="clock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _parse_rate(expression: str) -> float:
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not match:
        raise ValueError(
            f"The embedded stack cannot run the schedule {expression!r}. "
            "Write rate(N minutes), rate(N hours) or rate(N days)."
        )
    return int(match[1]) * _UNIT_SECONDS[match[2]]
