"""Every hour: new and edited submissions in KoboToolbox → one message for each.

The state holds the position, and the next run continues there. It is stored when the run has
succeeded, together with the messages. A run that fails emits nothing and keeps the old position.
"""

from adaptors.common import each, emit, fn
from adaptors.kobotoolbox import get_new_submissions

FORM = "aXecHjmbATuF6iGFmvBLBX"


def keep_position_only(state):
    return {"pulled": state["pulled"]}  # the submissions are messages now


get_new_submissions(FORM, since="2026-01-01")
each("[*]", emit("submissions"))
fn(keep_position_only)
