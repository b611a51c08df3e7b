"""The log of a run: what its job printed, bounded and masked.

A long log keeps its beginning and its end. The secrets are masked before it is cut, so that no part
of one is left at a cut: more is kept than is shown, and what is beyond the cut is masked with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MAX_BYTES = 1_000_000
"""The size of a log, without the line that says how much was left out."""
_HALF = MAX_BYTES // 2
# Longer than any secret: a secret that is cut lies in the part that is not shown.
_MARGIN = 100_000
_KEPT = _HALF + _MARGIN


class RunLog:
    """Collects what a job prints in bounded memory."""

    def __init__(self) -> None:
        self._beginning = bytearray()
        self._end: deque[bytes] = deque()
        self._end_bytes = 0
        self._total = 0

    def write(self, output: bytes) -> None:
        """Take the next output."""
        self._total += len(output)
        if free := _KEPT - len(self._beginning):
            self._beginning += output[:free]
            output = output[free:]
        if output:
            self._end.append(output)
            self._end_bytes += len(output)
            while self._end_bytes - len(self._end[0]) >= _KEPT:
                self._end_bytes -= len(self._end.popleft())

    def write_line(self, line: str) -> None:
        """Take a line of the runner's own, after what the job printed."""
        last = self._end[-1] if self._end else self._beginning
        if last and not last.endswith(b"\n"):
            self.write(b"\n")
        self.write(f"{line}\n".encode())

    def text(self, mask: Callable[[str], str]) -> str:
        """Return the log with its secrets masked."""
        if self._total <= len(self._beginning) + self._end_bytes:
            masked = mask(_decode(self._beginning + b"".join(self._end))).encode()
            if len(masked) <= MAX_BYTES:
                return masked.decode()
            beginning, end = masked, masked
        else:
            beginning = mask(_decode(self._beginning)).encode()
            end = mask(_decode(b"".join(self._end))).encode()[_MARGIN:]
        left_out = self._total - MAX_BYTES
        return f"{_cut(beginning[:_HALF])}\n… {left_out:,} bytes left out …\n{_cut(end[-_HALF:])}"


def _decode(output: bytes | bytearray) -> str:
    return output.decode("utf-8", "backslashreplace")


def _cut(masked: bytes) -> str:
    return masked.decode("utf-8", "ignore")
