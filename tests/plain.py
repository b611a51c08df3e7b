"""The plain loop over all triggers: slow, and what the index must find."""

from __future__ import annotations

from openfn.fragments import contains


def matching(triggers, inbox, body):
    """Give the positions of the triggers that a body from an inbox matches."""
    return [
        position
        for position, each in enumerate(triggers)
        if each.inbox in {None, inbox}
        and contains(body, each.inclusion)
        and not any(contains(body, exclusion) for exclusion in each.exclusions)
    ]
