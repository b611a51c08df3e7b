"""Names of the project as it is now, and which of its triggers is nearest to a message."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from console import reads
from openfn.errors import UnreadableBody
from openfn.history import differences
from openfn.history.messages import MessageState, MessageSummary
from openfn.project import compiled


def inbox_names() -> list[str]:
    """Return the inboxes of the project."""
    return sorted({inbox.name for inbox in compiled.current().inboxes.values()})


def nearest_triggers(rows: Sequence[MessageSummary]) -> dict[str, tuple[str, str]]:
    """Return the nearest trigger of each unmatched message, and the first value it misses."""
    unmatched = [row.id for row in rows if row.state is MessageState.UNMATCHED]
    nearest, triggers = dict[str, tuple[str, str]](), compiled.current().message_triggers
    for message in reads.stored_messages(unmatched):
        with suppress(UnreadableBody):
            body = reads.matchable_body(message)
            for explained in differences.explain_all(triggers, message.inbox, body)[:1]:
                missing = [leaf.path for leaf in explained.inclusions[0] if not leaf.matches]
                nearest[message.id] = explained.trigger.name, next(iter(missing), "")
    return nearest
