"""The memory of workers: what each may use, and which is killed when all together use too much.

A worker alone may use what the function's memory leaves. The system enforces that: an allocation
beyond it raises `MemoryError` in the job. Several workers can use more than that together, so the
supervisor watches them.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress

from openfn.workers import linux

_MEGABYTE = 1 << 20
_PAGE = resource.getpagesize()
RUNNER_MEGABYTES = 130
"""The memory of runner and zygote, with some to spare; `benchmarks/workers.py` measures it."""
_SMALLEST = 64
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


class Meter:
    """Reads the private memory of a process from its `/proc` files."""

    def __init__(self, pid: int) -> None:
        self._statm: int | None = None
        with suppress(OSError):
            self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
        # At first all of it is shared with the zygote.
        self._shared = self._pages()[0]

    def megabytes(self) -> float:
        """Return what the process has allocated since the meter was made."""
        return max(0, self._pages()[0] - self._shared) * _PAGE / _MEGABYTE

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


class Limit:
    """Limits the memory that this process allocates beyond what it has now."""

    def __init__(self) -> None:
        self._base = 0
        with suppress(OSError):
            descriptor = os.open("/proc/self/statm", os.O_RDONLY)
            self._base = linux.memory_pages(descriptor)[1] * _PAGE
            os.close(descriptor)

    def set(self, megabytes: int) -> None:
        """Let allocations beyond some megabytes fail with `MemoryError`."""
        if self._base:
            resource.setrlimit(_LIMIT, (self._base + megabytes * _MEGABYTE, resource.RLIM_INFINITY))

    def remove(self) -> None:
        """Remove the limit, so that the error can be reported."""
        if self._base:
            resource.setrlimit(_LIMIT, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
