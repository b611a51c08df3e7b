"""Turns: any number of runs at once, or one run alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets runs execute side by side, and one that needs all the memory alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._waiting_alone = 0
        self._is_alone = False

    @contextmanager
    def take(self, seconds: float, *, alone: bool) -> Iterator[bool]:
        """Wait for a turn for some seconds at most; yield whether there is one."""
        has_turn = self._wait(seconds, alone=alone)
        try:
            yield has_turn
        finally:
            if has_turn:
                self._end(alone=alone)

    def _wait(self, seconds: float, *, alone: bool) -> bool:
        with self._changed:
            self._waiting_alone += alone
            has_turn = self._changed.wait_for(lambda: self._is_free(alone=alone), seconds)
            self._waiting_alone -= alone
            if has_turn:
                self._running += 1
                self._is_alone = alone
            else:
                self._changed.notify_all()
            return has_turn

    def _is_free(self, *, alone: bool) -> bool:
        if alone:
            return not self._running
        return not self._is_alone and not self._waiting_alone

    def _end(self, *, alone: bool) -> None:
        with self._changed:
            self._running -= 1
            if alone:
                self._is_alone = False
            self._changed.notify_all()
