"""Queue late messages at the tick, page by page, so that all inboxes make progress.

The inboxes take turns, and each tick begins with another one. Messages of an ordered inbox keep
their marks until they are matched, and each tick queues them again, so it queues a limited number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from openfn.messages import late_marks, store
from openfn.time_budget import TimeBudget

PAGE = 50
"""How many late messages a tick queues before it looks at its time budget."""
MAX_IN_ORDER = 500
"""How many late messages of ordered inboxes a tick queues. They are queued again until matched."""


def queue_late_messages(
    group_of: Callable[[str], str | None], budget: TimeBudget, turn: int
) -> int:
    """Queue late messages of all inboxes; return their number.

    `turn` is the number of the tick. What the budget does not allow comes at a later tick.
    """
    while late_marks.renew(PAGE) == PAGE and not budget.is_used_up:
        pass
    inboxes = deque(late_marks.inboxes())
    inboxes.rotate(-turn)
    pages = deque((inbox, "") for inbox in inboxes)
    queued = in_order = 0
    while pages:
        inbox, after = pages.popleft()
        group = group_of(inbox)
        if group is not None and in_order >= MAX_IN_ORDER:
            continue
        message_ids = late_marks.behind(inbox, after, PAGE)
        accepted = _queue_page(message_ids, group)
        queued += accepted
        in_order += accepted if group is not None else 0
        if accepted == PAGE:
            pages.append((inbox, message_ids[-1]))
        if budget.is_used_up:
            break
    return queued


def _queue_page(message_ids: list[str], group: str | None) -> int:
    refused = store.queue_all([(message_id, group) for message_id in message_ids])
    accepted = [message_id for message_id in message_ids if message_id not in refused]
    if group is None:  # else newer messages wait for it, until it is matched
        for message_id in accepted:
            late_marks.clear(message_id)
    return len(accepted)
