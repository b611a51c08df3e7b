"""Ids that say where their items are.

A message's id is a UUIDv7 (RFC 9562): its first 48 bits are the time it was received, the next
12 the fraction of that millisecond, so ids sort in the order of receipt. The partition key is
the id's UTC day and one of 16 shards (the id's last digit); the sort key is the id. A run's id
is `<origin>#<job>`, so a message's runs lie beside it and are created once. The origin is the id
of a message, or of the minute a cron trigger was due in, which has the same form.
"""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime

from openfn.errors import NotFound

SHARDS = "0123456789abcdef"
"""The shards of a day: the last digit of an id, which is chance."""
# The first digit is 0 until the year 2527.
_MESSAGE_ID = re.compile(r"0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def new_message_id() -> str:
    """Make the id of a message that is received now."""
    milliseconds, fraction = divmod(time.time_ns(), 1_000_000)
    number = milliseconds << 80
    number |= 0x7 << 76 | (fraction * 4096 // 1_000_000) << 64
    number |= 0b10 << 62 | secrets.randbits(62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def minute_id(minute: datetime) -> str:
    """Derive the id of a minute of the clock: a UUIDv7 with zeros where others have chance."""
    text = f"{int(minute.timestamp()) * 1000:012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-000000000000"


def run_id(origin: str, job: str) -> str:
    """Derive the id of the run of `job` on an origin: the same two always give the same."""
    return f"{origin}#{job}"


def origin_of(run: str) -> str:
    """Give the id of the message or minute a run goes back to."""
    return run.partition("#")[0]


def received_at(identifier: str) -> datetime:
    """Read from an id when its message was received, or its run was due (UTC, milliseconds)."""
    return datetime.fromtimestamp(int(identifier[:8] + identifier[9:13], 16) / 1000, UTC)


def is_message_id(identifier: str) -> bool:
    """Say whether a text has the form of a message's id."""
    return _MESSAGE_ID.fullmatch(identifier) is not None


def is_run_id(identifier: str) -> bool:
    """Say whether a text has the form of a run's id."""
    origin, _, job = identifier.partition("#")
    return is_message_id(origin) and job != "" and "#" not in job


def key_of(identifier: str) -> dict[str, str]:
    """Give the table key of a message or run; `NotFound` when it is not one of our ids."""
    origin = origin_of(identifier)
    if not is_message_id(origin):
        raise NotFound("an id on the queue is not a message's or a run's")
    return {"pk": f"{received_at(origin):%Y-%m-%d}#{origin[-1]}", "sk": identifier}
