"""One QuickJS context: evaluates code under limits, and translates how it fails.

With a time limit, JavaScript cannot call Python, and no signal is seen while it runs. So it never
calls: see `library/runtime.js`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# Not `quickjs`: it starts a thread, and a process with threads cannot fork workers.
import _quickjs

from javascript.errors import OutOfTime, script_error

_MEGABYTE = 1 << 20
# Of the eight that threads have: 3,700 calls, each inside the one before.
_STACK_BYTES = 6 * _MEGABYTE
_SECONDS_AFTER_THE_END = 0.1
# Below what the process may use, so that Python can report the error.
_SHARE = 0.8
_POSITION = re.compile(r"<input>:(\d+)")
_INTERRUPTED, _NO_MEMORY = "InternalError: interrupted", "InternalError: out of memory"
FIRST_LINE_OF_LIBRARY = 65536
"""Lines of the library, as `library/runtime.js` knows them; a job has fewer."""
Function = Callable[..., Any]


class Engine:
    """A context whose code ends after the seconds that are left."""

    def __init__(self, seconds_left: Callable[[], float], megabytes: int) -> None:
        self._context, self._seconds_left = _quickjs.Context(), seconds_left
        self._context.set_memory_limit(int(megabytes * _SHARE * _MEGABYTE))
        self._context.set_max_stack_size(_STACK_BYTES)

    def evaluate(self, code: str) -> Any:
        """Evaluate code in the global scope."""
        return self._run(self._context.eval, code)

    def call(self, function: Function, *arguments: Any) -> Any:
        """Call a function of the context."""
        return self._run(function, *arguments)

    def call_after_the_end(self, function: Function) -> Any:
        """Call a short function when the time may be over."""
        self._context.set_time_limit(_SECONDS_AFTER_THE_END)
        return function()

    def items(self, array: Any, count: int) -> list[Function]:
        """Return the functions in an array of the context."""
        item = self.evaluate("(array, position) => array[position]")
        return [self.call(item, array, position) for position in range(count)]

    def run_pending(self) -> None:
        """Run what waits for promises that are settled."""
        while self._run(self._context.execute_pending_job):
            pass

    def _run(self, function: Function, *arguments: Any) -> Any:
        seconds = self._seconds_left()
        if seconds <= 0:
            raise OutOfTime
        self._context.set_time_limit(seconds)
        try:
            return function(*arguments)
        except _quickjs.JSException as error:
            raise _translate(error) from None


def _translate(error: Exception) -> Exception:
    message, _, stack = str(error).partition("\n")
    if message == _INTERRUPTED:
        return OutOfTime()
    # Where no memory is left for the error itself, there is none.
    if message in (_NO_MEMORY, "null"):
        return MemoryError()
    name, _, text = message.partition(": ")
    if not name.isidentifier():  # no Error was thrown
        name, text = "Error", message
    lines = [int(line) for line in _POSITION.findall(stack)]
    line = next((line for line in lines if line < FIRST_LINE_OF_LIBRARY), 0)
    return script_error({"name": name, "message": text, "line": line})
