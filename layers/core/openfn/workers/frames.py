"""Frames: the messages between the supervisor and a worker.

A frame is a small JSON object with raw bytes behind it. States are raw, because a state quoted
inside JSON costs many times the CPU time.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_LENGTHS = struct.Struct("!IQ")
# Memory of this size is not mapped and unmapped for each read.
_READ_BYTES = 1 << 16
_MOST_BYTES = 1 << 20
# Bound before any job runs: a job may replace the functions of these modules.
_dumps, _loads = json.dumps, json.loads


class Kind(StrEnum):
    """What a frame says, in the order of a run."""

    LOAD = "load"
    """To the worker: the expression, and what the job needs before it has a state."""
    LOADED = "loaded"
    """The names and lines of the operations."""
    START = "start"
    """To the worker: the state, the credential, the first operation and the time limit."""
    OPERATION = "operation"
    """An operation begins: its number, where a retry resumes, and the state there.

    The first operation begins with `START`.
    """
    EMIT = "emit"
    """A message that the job emits."""
    TOKENS = "tokens"
    """A request about the stored tokens of the credential; to the worker: the reply."""
    SECRET = "secret"  # noqa: S105 - the name of a frame
    """A token that the job fetched, which is masked from now on."""
    PREPARED = "prepared"
    """The final state, before the adaptors commit their work."""
    DONE = "done"
    """The work is committed."""
    FAILED = "failed"
    """The error with which the job ended."""
    IDLE = "idle"
    """The worker is as it was before the run; or the reason why it must be replaced."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A message: its kind, its fields, and raw bytes."""

    kind: Kind
    fields: Mapping[str, Any]
    body: bytes = b""


def encode(kind: Kind, fields: Mapping[str, Any], body: bytes = b"") -> Sequence[bytes]:
    """Return the pieces of a frame to be written one after the other."""
    head = _dumps([kind, fields]).encode()
    return _LENGTHS.pack(len(head), len(body)) + head, body


class Decoder:
    """Turns the bytes of a pipe into frames."""

    def __init__(self) -> None:
        # Joined only once there is a frame, so that a large one is not copied for each piece of it.
        self._pieces: list[bytes] = []
        self._length, self._needed = 0, _LENGTHS.size

    @property
    def read_bytes(self) -> int:
        """How many bytes to read next: what the frame still needs, if that is much."""
        return min(max(self._needed - self._length, _READ_BYTES), _MOST_BYTES)

    def feed(self, content: bytes) -> None:
        """Take the next bytes."""
        self._pieces.append(content)
        self._length += len(content)

    def next_frame(self) -> Frame | None:
        """Return the next frame that is complete."""
        if self._length < self._needed:
            return None
        first, start = self._pieces[0], _LENGTHS.size
        if len(first) < start:
            first = b"".join(self._pieces)
            self._pieces = [first]
        head_length, body_length = _LENGTHS.unpack_from(first)
        middle = start + head_length
        self._needed = middle + body_length
        if self._length < self._needed:
            return None
        return self._take(start, middle, self._needed)

    def _take(self, start: int, middle: int, end: int) -> Frame:
        content = memoryview(b"".join(self._pieces) if self._pieces[1:] else self._pieces[0])
        rest = bytes(content[end:])
        self._pieces = [rest] if rest else []
        self._length, self._needed = len(rest), _LENGTHS.size
        kind, fields = _loads(bytes(content[start:middle]))
        return Frame(Kind(kind), fields, bytes(content[middle:end]))
