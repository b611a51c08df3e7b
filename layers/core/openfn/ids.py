"""Ids of messages and runs, which contain the table key of their items.

A message's id is a UUIDv7 (RFC 9562): its first 48 bits are the time of receipt, the next 12 the
fraction of that millisecond, so ids sort in the order of receipt. The partition key is the id's
UTC day and one of 16 shards (the id's last digit); the sort key is the id. A run's id is
`<source id>#<job>`, so a message's runs lie beside it and each is created once. The source id is
the id of a message, or of the minute in which a cron trigger was due, which has the same form. If
a job can follow several runs of one source, its id is `<source id>#<job>@<branch>`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from datetime import UTC, datetime

from openfn.errors import NotFound

SHARDS = "0123456789abcdef"
"""The shards of a day: an id's last digit, which is random."""
# The first digit is 0 until the year 2527.
_MESSAGE_ID = re.compile(r"0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

_MAX_BRANCH = 64


def new_message_id() -> str:
    """Return a new id for a message that is received now."""
    milliseconds, fraction = divmod(time.time_ns(), 1_000_000)
    number = milliseconds << 80
    number |= 0x7 << 76 | (fraction * 4096 // 1_000_000) << 64
    number |= 0b10 << 62 | secrets.randbits(62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def minute_id(minute: datetime) -> str:
    """Return the id of a minute: a UUIDv7 with zeros for the random digits."""
    text = f"{int(minute.timestamp()) * 1000:012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-000000000000"


def run_id(source_id: str, job: str, branch: str = "") -> str:
    """Return the id of the run of `job` on a message or minute, or of one of its branches."""
    return f"{source_id}#{job}@{branch}" if branch else f"{source_id}#{job}"


def branch_after(run_id: str) -> str:
    """Return the branch of the runs that follow a run: its id without the source.

    Above 64 characters it is a digest, so that ids stay short however long a chain is.

    >>> branch_after("017f22e2-79b0-7cc3-98c4-dc0c0c07398f#register@import")
    'register@import'
    """
    branch = path_of(run_id)
    if len(branch) <= _MAX_BRANCH:
        return branch
    return hashlib.sha256(branch.encode()).hexdigest()[:32]


def path_of(run_id: str) -> str:
    """Return a run's id without its source: the job, with its branch if it has one."""
    return run_id.partition("#")[2]


def job_of(run_id: str) -> str:
    """Return the job of a run.

    >>> job_of("017f22e2-79b0-7cc3-98c4-dc0c0c07398f#bill@register")
    'bill'
    """
    return path_of(run_id).partition("@")[0]


def source_id_of(run_id: str) -> str:
    """Return the id of the message or minute that a run processes."""
    return run_id.partition("#")[0]


def received_at(identifier: str) -> datetime:
    """Return when a message was received or a cron run was due (UTC, milliseconds)."""
    return datetime.fromtimestamp(int(identifier[:8] + identifier[9:13], 16) / 1000, UTC)


def is_message_id(identifier: str) -> bool:
    """Return whether a text has the format of a message's id."""
    return _MESSAGE_ID.fullmatch(identifier) is not None


def is_run_id(identifier: str) -> bool:
    """Return whether a text has the format of a run's id."""
    source_id, _, job = identifier.partition("#")
    return is_message_id(source_id) and job != "" and "#" not in job


def key_of(identifier: str) -> dict[str, str]:
    """Return the table key of a message or run; raise `NotFound` for an invalid id."""
    source_id = source_id_of(identifier)
    if not is_message_id(source_id):
        raise NotFound("An id on the queue is neither a message's nor a run's.")
    return {"pk": f"{received_at(source_id):%Y-%m-%d}#{source_id[-1]}", "sk": identifier}
