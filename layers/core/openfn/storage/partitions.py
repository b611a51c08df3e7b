"""The partitions of the table: each UTC day is spread over sixteen shards.

The items of one source lie together on a partition: a message, or a minute of a cron trigger,
then its runs and their attempts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import chain, groupby

from openfn import ids
from openfn.storage import services, table
from openfn.storage.dynamodb_values import Item

MAX_CALLS = 32
"""How many calls a list makes at the same time; boto3's client has as many connections."""
# From each shard. All shards together have the newest 50 messages with their runs.
_FIRST_PAGE = 24
# Days with fewer sources are read together with the days before them.
_FEW, _MOST_DAYS = 32, 8


def newest_first(
    since: datetime,
    until: datetime,
    before: str = "",
    names: Sequence[str] = (),
) -> Iterator[list[Item]]:
    """Yield the items of each source of a period, the newest source first.

    A source's items are in the order of their ids. `before` leaves out this id and all after it.
    With `names`, the items have these attributes only. The first pages of a day's shards are read
    at the same time, and those of several days if there is little in them. They are small, and
    later ones grow.
    """
    first, last = ids.minute_id(since), before or ids.minute_id(until)
    if ids.is_message_id(ids.source_id_of(before)):
        until = min(until, ids.received_at(before))
    days = deque(_days_back(since, until))

    def read_shard(day: date, shard: str) -> Iterator[list[Item]]:
        items = table.query_range(
            f"{day}#{shard}",
            *(first, last, names),
            newest_first=True,
            page_size=_FIRST_PAGE,
            growing=True,
        )
        return _sources(items, before)

    size = 1
    while days:
        together = [days.popleft() for _ in range(min(size, len(days)))]
        shards = [[read_shard(day, shard) for shard in ids.SHARDS] for day in together]
        count = 0
        for sources in _started(shards):
            for items in merge(*sources, key=_source_id, reverse=True):
                count += 1
                yield items
        size = min(2 * size, _MOST_DAYS) if count < _FEW else 1


def oldest_first(
    after: str, until: datetime, names: Sequence[str] = (), page_size: int | None = None
) -> Iterator[list[Item]]:
    """Yield the items of each source behind the id `after` and before a time, the oldest first.

    At most one page of each shard is in memory.
    """
    # "$" is the character after "#".
    first, last = f"{after}$", ids.minute_id(until)
    day, last_day = ids.received_at(after).date(), until.astimezone(UTC).date()
    while day <= last_day:
        shards = [
            table.query_range(f"{day}#{shard}", first, last, names, page_size=page_size)
            for shard in ids.SHARDS
        ]
        sources = [_oldest_sources(items) for items in shards]
        yield from merge(*sources, key=_source_id)
        day += timedelta(days=1)


def of_shard(
    shard: str, since: datetime, until: datetime, names: Sequence[str] = ()
) -> Iterator[list[Item]]:
    """Yield the items of each source of a shard, the oldest first, in a part of one UTC day."""
    pk = f"{since.astimezone(UTC).date()}#{shard}"
    items = table.query_range(pk, ids.minute_id(since), ids.minute_id(until), names)
    return _oldest_sources(items)


def below(identifier: str, names: Sequence[str] = ()) -> Iterator[Item]:
    """Yield the items below a message, a minute or a run: its runs, or its attempts."""
    pk = ids.key_of(identifier)["pk"]
    # "$" is the character after "#".
    return table.query_range(pk, f"{identifier}#", f"{identifier}$", names)


def _sources(items: Iterator[Item], before: str) -> Iterator[list[Item]]:
    rest = (item for item in items if item["sk"] != before)
    for _, group in groupby(rest, lambda item: ids.source_id_of(item["sk"])):
        yield list(group)[::-1]


def _oldest_sources(items: Iterator[Item]) -> Iterator[list[Item]]:
    for _, group in groupby(items, lambda item: ids.source_id_of(item["sk"])):
        yield list(group)


def _started(
    days: Sequence[Sequence[Iterator[list[Item]]]],
) -> Iterator[list[Iterator[list[Item]]]]:
    """Read the first pages of all shards at the same time; yield the shards of each day."""
    services.prepare("dynamodb")  # once, before the threads share it
    shards = list(chain.from_iterable(days))
    with ThreadPoolExecutor(min(len(shards), MAX_CALLS)) as pool:
        firsts = iter(list(pool.map(lambda shard: next(shard, None), shards)))
    for day in days:
        yield [chain([first], rest) for rest in day if (first := next(firsts))]


def _days_back(since: datetime, until: datetime) -> Iterator[date]:
    first_day, day = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    while day >= first_day:
        yield day
        day -= timedelta(days=1)


def _source_id(items: Sequence[Item]) -> str:
    return ids.source_id_of(items[0]["sk"])
