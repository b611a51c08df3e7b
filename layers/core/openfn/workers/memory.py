"""The memory of workers: what each may use, and which is killed when all together use too much.

A worker alone may use what the function's memory leaves. The system enforces that: an allocation
beyond it raises `MemoryError` in the job. Several workers can use more than that together, and so
can a worker with its child processes, so the supervisor watches them.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from openfn.workers import linux, process_tree

_MEGABYTE = 1 << 20
_PAGE = resource.getpagesize()
RUNNER_MEGABYTES = 130
"""The memory of runner and zygote, with some to spare; `benchmarks/workers.py` measures it."""
_SMALLEST = 64
# The runner parses and masks a state, which takes several times its size.
_STATE_SHARE = 8
_CHILDREN_SECONDS = 0.05
_LIMIT = resource.RLIMIT_DATA


def for_jobs(function_megabytes: int) -> int:
    """Return the megabytes that a function's memory leaves for its jobs."""
    return max(_SMALLEST, function_megabytes - RUNNER_MEGABYTES)


def exceeded_message(megabytes: int) -> str:
    """Return the message of a run that needed more memory than there is."""
    return (
        f"The job needed more than {megabytes} MB. Let it do less at once, or raise the stack's "
        "parameter RunMemory."
    )


def state_problem(state: bytes, megabytes: int) -> str:
    """Return why a state is too large for the runner, which stores it; empty if it is not."""
    size, limit = len(state) / _MEGABYTE, megabytes / _STATE_SHARE
    if size <= limit:
        return ""
    return (
        f"The state has {size:.0f} MB as JSON, and at most {limit:.0f} MB can be stored. Remove "
        "what no later operation or job needs, emit the records one by one, or raise the stack's "
        "parameter RunMemory."
    )


class Meter:
    """Reads the private memory of a process and of its descendants from their `/proc` files."""

    def __init__(self, pid: int) -> None:
        self._pid, self._statm = pid, None
        self._children, self._children_due = 0.0, 0.0
        with suppress(OSError):
            self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
        # At first all of it is shared with the zygote.
        self._shared = self._pages()[0]

    def megabytes(self) -> float:
        """Return what the process has allocated since the meter was made."""
        return max(0, self._pages()[0] - self._shared) * _PAGE / _MEGABYTE

    def megabytes_with_children(self) -> float:
        """Return what the process and its descendants have allocated.

        A fork shares with the process what that had; of its memory only what is more counts.
        """
        began = time.monotonic()
        if began >= self._children_due:
            self._children = self._read_children()
            # A job may have many: reading them must not take the processor from the runs.
            pause = max(_CHILDREN_SECONDS, 20 * (time.monotonic() - began))
            self._children_due = time.monotonic() + pause
        return self.megabytes() + self._children

    def _read_children(self) -> float:
        megabytes, pages = 0.0, self._pages()[0]
        for pid in process_tree.descendants(self._pid):
            with suppress(OSError, IndexError), _opened(f"/proc/{pid}/statm") as statm:
                shared = pages if _program(pid) == _program(self._pid) else 0
                megabytes += max(0, linux.memory_pages(statm)[0] - shared) * _PAGE / _MEGABYTE
        return megabytes

    def close(self) -> None:
        """Close the file."""
        if self._statm is not None:
            os.close(self._statm)
            self._statm = None

    def _pages(self) -> tuple[int, int]:
        with suppress(OSError, IndexError):
            if self._statm is not None:
                return linux.memory_pages(self._statm)
        return 0, 0


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _program(pid: int) -> bytes:
    """Return the command line of a process: that of a fork is its parent's."""
    with _opened(f"/proc/{pid}/cmdline") as descriptor:
        return os.read(descriptor, 4096)


class Limit:
    """Limits the memory that this process allocates beyond what it has now."""

    def __init__(self) -> None:
        self._base = 0
        with suppress(OSError), _opened("/proc/self/statm") as descriptor:
            self._base = linux.memory_pages(descriptor)[1] * _PAGE

    def set(self, megabytes: int) -> None:
        """Let allocations beyond some megabytes fail with `MemoryError`."""
        if self._base:
            resource.setrlimit(_LIMIT, (self._base + megabytes * _MEGABYTE, resource.RLIM_INFINITY))

    def remove(self) -> None:
        """Remove the limit, so that the error can be reported."""
        if self._base:
            resource.setrlimit(_LIMIT, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
