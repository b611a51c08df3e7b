"""Every hour: what is new in KoboToolbox → a message for each submission.

The place it has come to is in the state, which the next run begins with. It is kept when the run
has succeeded, together with what it emits: one that fails emits nothing, and the place stays.
"""

from adaptors.common import each, emit, fn
from adaptors.kobotoolbox import get_new_submissions

FORM = "aXecHjmbATuF6iGFmvBLBX"


def only_the_place(state):
    return {"pulled": state["pulled"]}  # the submissions are messages by now


get_new_submissions(FORM, since="2026-01-01")
each("[*]", emit("submissions"))
fn(only_the_place)
