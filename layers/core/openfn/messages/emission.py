"""What a job may emit: JSON that triggers can read, to an inbox of its project."""

from __future__ import annotations

from collections.abc import Sequence

from openfn.errors import ProjectError, UnreadableBody
from openfn.messages import bodies

HEADERS = {"content-type": "application/json"}
"""The headers of an emitted message."""
_MAX_DEPTH = 5


def validate(inbox: str, body: str, inbox_names: Sequence[str], depth: int = 0) -> None:
    """Raise `ProjectError` for an unknown inbox, a body that no trigger could read, or a circle.

    `depth` is how many runs, one after the other, led to the run that emits.
    """
    require_inbox(inbox, inbox_names)
    try:
        bodies.parse_exact(body.encode(), HEADERS)
    except UnreadableBody as error:
        raise ProjectError(f"No trigger could read the emitted body: {error}") from None
    if depth >= _MAX_DEPTH:
        raise ProjectError(
            f"These jobs emit in a circle: {_MAX_DEPTH} runs, each started by a message of the run "
            "before, led to this message. Change the trigger so that it does not match what this "
            "job emits."
        )


def require_inbox(inbox: str, inbox_names: Sequence[str]) -> None:
    """Raise `ProjectError` for an inbox that the project does not have."""
    if inbox not in inbox_names:
        known = ", ".join(inbox_names) or "none yet"
        raise ProjectError(f"The project has no inbox {inbox!r} to emit to. It has: {known}.")
