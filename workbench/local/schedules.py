"""The clock: what EventBridge's schedules do."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from workbench.local.resources import REGION

Invoke = Callable[[str, dict[str, Any]], Any]
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


@contextmanager
def ticking(schedules: Mapping[str, str], invoke: Invoke) -> Iterator[None]:
    """Invoke each schedule's function in the background whenever it is due."""
    with ExitStack() as context:
        for expression, function in schedules.items():
            context.enter_context(_every(_seconds(expression), partial(tick, function, invoke)))
        yield


def tick(function: str, invoke: Invoke) -> None:
    """Give a function one scheduled event; an error is the next tick's business, as in AWS."""
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
def _every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(seconds):
            act()

    thread = threading.Thread(target=loop, name="clock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _seconds(expression: str) -> float:
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not match:
        raise ValueError(f"the embedded stack knows no schedule like {expression!r}")
    return int(match[1]) * _SECONDS[match[2]]
