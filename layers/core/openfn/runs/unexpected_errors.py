"""Count the errors that nobody expects around a run, and fail a run that has too many.

Such an error is raised before or after the job: the run cannot be read, or what follows from it
cannot be published. The id comes again, and the later runs of its order wait behind it. The count
is in the table, because the receives of the queue also count how often a run has waited.
"""

from __future__ import annotations

import json
import time

from openfn import ids
from openfn.errors import ConditionFailed, JobError
from openfn.runs.model import RunStatus
from openfn.storage import attention, table
from openfn.storage.attention import Attention

MAX_ERRORS = 20
_OPERATION = "ending"
_TEXT = (
    f"The runner could not finish this run: it raised an unexpected error {MAX_ERRORS} times. See "
    "the log of the runner."
)


def count(run_id: str, error: Exception) -> bool:
    """Count an unexpected error of a run; return whether the run has failed because of it."""
    key, exists = ids.key_of(run_id), "attribute_exists(pk)"
    try:
        item = table.update(key, {}, exists, increment="unexpected_errors")
    except ConditionFailed:  # it has expired meanwhile
        return True
    if item["unexpected_errors"] < MAX_ERRORS:
        return False
    finished = table.timestamp(time.time())
    changes = {
        **attention.mark(Attention.FAILED, finished),
        **dict.fromkeys(("lease", "due", "unexpected_errors")),
        "status": RunStatus.FAILED,
        "finished": finished,
        "error": json.dumps(JobError(type(error).__name__, _TEXT, _OPERATION, 0).as_dict()),
    }
    table.update(key, changes, exists)
    return True
