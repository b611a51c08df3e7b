"""Write to a terminal in the background, several lines at once.

Each write would make the thread of a function wait for the terminal, and for the interpreter after
it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

_SECONDS = 0.1
"""How long lines are gathered before they are written: nobody notices it."""


@contextmanager
def delaying_writes(file: IO[str]) -> Iterator[Callable[[str], object]]:
    """Yield a function that writes text to a file a moment later; all is written at the end."""
    pieces, has_pieces, stop = deque[str](), threading.Event(), threading.Event()

    def write(text: str) -> None:
        pieces.append(text)
        if not has_pieces.is_set():
            has_pieces.set()

    def loop() -> None:
        while not stop.is_set():
            has_pieces.wait()
            stop.wait(_SECONDS)
            has_pieces.clear()
            _write_all(file, pieces)

    thread = threading.Thread(target=loop, name="terminal", daemon=True)
    thread.start()
    try:
        yield write
    finally:
        stop.set()
        has_pieces.set()
        thread.join()
        _write_all(file, pieces)


def _write_all(file: IO[str], pieces: deque[str]) -> None:
    text = "".join(pieces.popleft() for _ in range(len(pieces)))
    with suppress(OSError, ValueError):  # the terminal is closed: the stack goes on
        file.write(text)
        file.flush()
