"""The standard streams of a worker: descriptors 1 and 2 are the pipe of the run's log."""

from __future__ import annotations

import io
import logging
import os
import sys

_STANDARD = range(3)


class Streams:
    """Standard input without content, and output and error that write to one pipe."""

    def __init__(self, output: int) -> None:
        """Redirect the standard streams of this process, and `logging`."""
        null = os.open(os.devnull, os.O_RDONLY)
        for descriptor, standard in zip((null, output, output), _STANDARD, strict=True):
            os.dup2(descriptor, standard)
        os.close(null)
        os.close(output)
        self._files = [_file(descriptor) for descriptor in _STANDARD]
        # As a function's own handler, which shows INFO and above, would write a job's lines.
        self._handler = logging.StreamHandler()
        logging.root.addHandler(self._handler)
        logging.root.setLevel(logging.INFO)
        self._open()

    def restore(self) -> bool:
        """Open the streams anew; return False if the job closed or replaced a descriptor."""
        if [_file(descriptor) for descriptor in _STANDARD] != self._files:
            return False
        os.set_blocking(1, True)
        self._open()
        return True

    def _open(self) -> None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
        sys.stdout, sys.stderr = _text(1), _text(2)
        self._handler.stream = sys.stderr
        self._handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self._handler.setLevel(logging.NOTSET)
        self._handler.filters.clear()
        streams = {"__stdin__": sys.stdin, "__stdout__": sys.stdout, "__stderr__": sys.stderr}
        vars(sys).update(streams)


def _text(descriptor: int) -> io.TextIOWrapper:
    # Line by line, so that lines of both streams, of threads and of children stay in order.
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True
    )


def _file(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
