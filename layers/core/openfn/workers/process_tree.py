"""Kill a process with all its descendants, also while they fork.

Killing what was found does not end a process that forks without end: its children are new before
they are found. So all are stopped until none runs, and only then killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

# Long enough for thousands of processes; after it, what was found is killed.
_STOP_SECONDS = 2.0
_STOPPED = "TtZX"


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants."""
    _send(signal.SIGSTOP, [pid])
    descendants = _stop_all(pid)
    _send(signal.SIGKILL, [*descendants, pid])


def kill_orphans(adopter: int, known: Iterable[int]) -> None:
    """Kill the descendants of a process, except its known children and their descendants."""
    processes = _processes()
    for pid in _children(processes).get(adopter, ()):
        if pid not in known and processes[pid][1] not in "ZX":
            kill_tree(pid)


def descendants(pid: int) -> set[int]:
    """Return the descendants of a process as the system lists them; of all threads."""
    found, pending = set[int](), [pid]
    while pending:
        new = [child for child in _listed_children(pending.pop()) if child not in found]
        found.update(new)
        pending += new
    return found


def _listed_children(pid: int) -> list[int]:
    folder, children = f"/proc/{pid}/task", list[int]()
    with suppress(OSError):  # it has ended, or the system has no such files
        for task in os.listdir(folder):  # noqa: PTH208 - ten times as fast as Path
            with open(f"{folder}/{task}/children", "rb") as file:  # noqa: PTH123 - the same
                children += map(int, file.read().split())
    return children


def _stop_all(root: int) -> set[int]:
    """Stop the descendants of a stopped process, and return them once none runs any more."""
    end, stopped = time.monotonic() + _STOP_SECONDS, set[int]()
    while time.monotonic() < end:
        processes = _processes()
        descendants = _descendants(processes, root)
        running = [pid for pid in descendants if processes[pid][1] not in _STOPPED]
        if not running and descendants <= stopped:
            return descendants
        stopped |= descendants
        _send(signal.SIGSTOP, running)
    return stopped


def _processes() -> dict[int, tuple[int, str]]:
    """Return parent and state of all processes that this one can see."""
    processes = {}
    with suppress(FileNotFoundError):  # another system than Linux
        for name in os.listdir("/proc"):  # noqa: PTH208 - ten times as fast as Path
            if name.isdigit():
                with suppress(OSError):
                    processes[int(name)] = _parent_and_state(name)
    return processes


def _parent_and_state(name: str) -> tuple[int, str]:
    descriptor = os.open(f"/proc/{name}/stat", os.O_RDONLY)
    try:
        content = os.read(descriptor, 1024)
    finally:
        os.close(descriptor)
    # The name of a program, in parentheses, may contain anything.
    state, parent = content.rpartition(b")")[2].split()[:2]
    return int(parent), state.decode()


def _children(processes: dict[int, tuple[int, str]]) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    return children


def _descendants(processes: dict[int, tuple[int, str]], root: int) -> set[int]:
    children, found, pending = _children(processes), set[int](), [root]
    while pending:
        new = [pid for pid in children.get(pending.pop(), ()) if pid not in found]
        found.update(new)
        pending += new
    return found


def _send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
