"""Match a body with every trigger in turn: slow, and the reference for the trigger index."""

from __future__ import annotations

from openfn.project.fragments import contains


def matching_positions(triggers, inbox, body):
    """Return the positions of the triggers that match a body posted to an inbox."""
    return [
        position
        for position, trigger in enumerate(triggers)
        if trigger.inbox in {None, inbox}
        and any(contains(body, inclusion) for inclusion in trigger.inclusions)
        and not any(contains(body, exclusion) for exclusion in trigger.exclusions)
    ]
