"""Give a worker back the process state that it had before a run, or say why that is impossible.

Restored: the working directory, environment, `sys.path`, signal handlers, locale, random numbers,
standard streams, `logging`, `warnings` and the like, and the project's own modules, which the next
run loads anew. A thread or a child that the job left, and a module that it changed, make the worker
unfit for another run; so does a standard stream that it closed or replaced.
"""

from __future__ import annotations

import decimal
import locale
import operator
import os
import random
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openfn.workers import dict_versions, environment, linux
from openfn.workers.dict_versions import Version
from openfn.workers.loggers import Loggers
from openfn.workers.streams import Streams

_UMASK = 0o022
_SIGNALS = (
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGINT, signal.SIGTERM),
    *(signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2),
)
# The packages whose functions jobs replace. To compare all would take three times as long.
_COMPARED = {
    *("adaptors", "openfn", "requests", "urllib3", "builtins", "os", "posixpath", "sys", "io"),
    *(
        "json",
        "re",
        "math",
        "time",
        "datetime",
        "random",
        "socket",
        "ssl",
        "select",
        "http",
        "urllib",
    ),
    *("logging", "decimal", "base64", "hashlib", "hmac", "csv", "uuid", "copy", "threading"),
    *("subprocess", "simple_salesforce", "warnings", "locale", "signal"),
}
# urllib3 replaces it at its first call, which is when a kept connection is used again.
_REPLACED_BY_ITSELF = {"wait_for_socket"}


@dataclass(slots=True)
class _Functions:
    """A module's variables, what reads its functions out of them, and these functions."""

    variables: dict[str, Any]
    read: Callable[[dict[str, Any]], Any]
    before: Any
    version: Version
    seen: float
    """The version of the variables at which the functions were still the same."""


class Isolation:
    """The state of this process, as it is between runs."""

    def __init__(self, streams: Streams) -> None:
        os.umask(_UMASK)
        self._environment, self._folder = environment.current(), _folder()
        self._lists = [(items, list(items)) for items in _lists()]
        self._streams = streams
        self._handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        self._locale = locale.setlocale(locale.LC_ALL)
        self._loggers, self._recursion = Loggers(), sys.getrecursionlimit()
        self._known = set(sys.modules)
        self._functions = [found for name in self._known if (found := functions_of(name))]

    def restore(self, project_folder: Path) -> str:
        """Restore the state; return why the worker must be replaced, or an empty text."""
        if has_children():
            return "child"
        if linux.count_threads() > 1:
            return "thread"
        if not self._streams.restore():
            return "stream"
        try:
            self._restore_process()
            self._restore_python()
        except Exception:
            return "state"
        return self._forget_modules(str(project_folder))

    def _restore_process(self) -> None:
        environment.restore(self._environment)
        if _folder() != self._folder:
            os.chdir(self._folder)
        os.umask(_UMASK)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)

    def _restore_python(self) -> None:
        random.seed()
        for items, before in self._lists:
            if items != before:
                items[:] = before
        sys.setrecursionlimit(self._recursion)
        sys.settrace(None)
        sys.setprofile(None)
        socket.setdefaulttimeout(None)
        decimal.setcontext(decimal.DefaultContext.copy())
        self._loggers.restore()

    def _forget_modules(self, project_folder: str) -> str:
        for name in sys.modules.keys() - self._known:
            file = getattr(sys.modules[name], "__file__", None)
            if file is None or str(file).startswith(project_folder):
                del sys.modules[name]
            else:
                self._known.add(name)
                self._functions += filter(None, [functions_of(name)])
        return next(("module" for found in self._functions if has_changed(found)), "")


def has_children() -> bool:
    """Return whether this process has a child, which may have ended or be an adopted orphan."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def functions_of(name: str) -> _Functions | None:
    """Return the functions of a module whose functions are compared; `None` for another.

    Other variables change in ordinary work: caches, counters, objects that are made when needed.
    """
    variables = getattr(sys.modules[name], "__dict__", {})
    functions = [key for key, value in list(variables.items()) if callable(value)]
    names = [key for key in functions if key not in _REPLACED_BY_ITSELF]
    if name.partition(".")[0] not in _COMPARED or not names:
        return None
    read = operator.itemgetter(*names)
    version = dict_versions.of(variables)
    return _Functions(variables, read, read(variables), version, version.value)


def has_changed(functions: _Functions) -> bool:
    """Return whether a module has lost or replaced one of these functions."""
    if (version := functions.version.value) == functions.seen:
        return False
    try:
        is_other = bool(functions.read(functions.variables) != functions.before)
    except Exception:
        return True
    if not is_other:
        functions.seen = version
    return is_other


def _lists() -> list[Any]:
    lists = [sys.path, sys.meta_path, sys.path_hooks, sys.argv]
    return [*lists, warnings.filters]


def _folder() -> str:
    with suppress(OSError):  # the folder was deleted
        return str(Path.cwd())
    return ""
