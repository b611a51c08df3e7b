"""What Linux offers beyond Python's standard library; on other systems it is left out.

`prctl` hides a process from others of its user, ends it with its parent, and lets it adopt the
orphans among its descendants. A pidfd tells of the death of a process that is no child.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_IS_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36


def hide_from_other_processes() -> None:
    """Close this process's `/proc` files and memory to other processes of its user, except root."""
    _prctl(_PR_SET_DUMPABLE, 0)


def end_with_parent(parent: int) -> None:
    """End this process when its parent ends, or now if it has ended already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Make this process the parent of those among its descendants whose parents end."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that is readable once a process has ended; None where refused."""
    with suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return None


def count_threads() -> int:
    """Return the number of this process's threads, those of C libraries included."""
    with suppress(OSError):
        return Path("/proc/self/task").stat().st_nlink - 2
    return 1


def memory_pages(statm: int) -> tuple[int, int]:
    """Return the anonymous and the writable pages of a process from its open `statm` file."""
    fields = os.pread(statm, 128, 0).split()
    return int(fields[1]) - int(fields[2]), int(fields[5])


def _prctl(option: int, value: int) -> None:
    if _IS_LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
