"""Find the message or run whose id ends with a text, as a person types or reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from openfn import ids
from openfn.errors import NotFound
from openfn.storage import aws, table
from openfn.storage.aws import Setting

MAX_READ = 100_000
"""How many items a search reads at most."""
# Fewer digits would soon belong to several messages.
_END = re.compile("[0-9a-f-]{3,34}[0-9a-f]")
# All ids of messages sort between these two until the year 2527.
_FIRST, _LAST = "0", "1"
_MAX_NAMED = 3


def complete(text: str) -> str:
    """Return the id that ends with a text; a complete id, or any other text, is returned as it is.

    An id's last digit is its shard, so a sixteenth of the table is searched. Raises `NotFound` if
    no id or several ids end so, and if the table has too many items to be sure.
    """
    end = text.removeprefix("…")
    if not _END.fullmatch(ids.source_id_of(end)):
        return end
    is_wanted = ids.is_run_id if "#" in end else ids.is_message_id
    read, matching = 0, list[str]()
    for name in islice(_names(ids.source_id_of(end)[-1]), MAX_READ + 1):
        read += 1
        if name.endswith(end) and is_wanted(name):
            matching.append(name)
    if read > MAX_READ:
        raise NotFound(f"The stack has too many messages to search for …{end}. Write the whole id.")
    return _only(end, matching)


def _names(shard: str) -> Iterator[str]:
    """Yield the sort keys of a shard, the newest day first."""
    day = datetime.now(UTC).date()
    for _ in range(int(aws.setting(Setting.RETENTION_DAYS)) + 2):
        for item in table.query_range(f"{day}#{shard}", _FIRST, _LAST, ("sk",)):
            yield item["sk"]
        day -= timedelta(days=1)


def _only(end: str, matching: list[str]) -> str:
    if not matching:
        raise NotFound(f"No id ends with {end}.")
    if len(matching) > 1:
        named = ", ".join(matching[:_MAX_NAMED])
        more = " and others" if len(matching) > _MAX_NAMED else ""
        raise NotFound(f"Several ids end with {end}: {named}{more}. Write more of the id.")
    return matching[0]
