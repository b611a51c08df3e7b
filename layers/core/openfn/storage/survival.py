"""Remove the marks that a process leaves in the table in case it dies, also when AWS fails.

A mark that is still in the table counts as a dead process. A process that survives an error of AWS
removes its mark, with some patience; and it remembers the marks that it could not remove.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from openfn.storage.aws import AWSError

_WAITS = (0.0, 0.1, 0.4, 1.5)
_survived: deque[str] = deque(maxlen=1_000)


def remove_mark(token: str, write: Callable[[], object]) -> None:
    """Remove the mark with a token; if all tries fail, this process remembers the token."""
    _survived.append(token)
    for seconds in _WAITS:
        time.sleep(seconds)
        try:
            write()
        except AWSError:
            continue
        return


def has_survived(token: str) -> bool:
    """Return whether this process set the mark and has survived."""
    return token in _survived
