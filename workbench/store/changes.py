"""Wake those who wait until a queue has changed: one of them for each change."""

from __future__ import annotations

import threading
from collections import defaultdict


class Changes:
    """Counts the changes of queues and wakes those who wait for the next one."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = defaultdict(int)
        self._conditions: dict[str, threading.Condition] = {}

    def count(self, url: str) -> int:
        """Return how often a queue has changed."""
        return self._counts[url]

    def notify(self, url: str) -> None:
        """Count a change of a queue and wake one that waits for it."""
        condition = self._condition(url)
        with condition:
            self._counts[url] += 1
            condition.notify()

    def wake_all(self) -> None:
        """Wake all that wait, for any queue."""
        for url, condition in list(self._conditions.items()):
            with condition:
                self._counts[url] += 1
                condition.notify_all()

    def wait(self, url: str, seen: int, seconds: float) -> None:
        """Wait for some seconds, or until a queue has changed more often than `seen`."""
        condition = self._condition(url)
        with condition:
            if self._counts[url] == seen:
                condition.wait(max(0.0, seconds))

    def _condition(self, url: str) -> threading.Condition:
        return self._conditions.setdefault(url, threading.Condition())
