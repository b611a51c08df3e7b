"""The partitions of the table: each UTC day is spread over sixteen shards.

The items of one source lie together on a partition: a message, or a minute of a cron trigger,
then its runs and their attempts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import chain, groupby

from openfn import ids
from openfn.storage import services, table
from openfn.storage.dynamodb_values import Item


def newest_first(
    since: datetime,
    until: datetime,
    before: str = "",
    names: Sequence[str] = (),
    *,
    parallel: bool = False,
    first_page: int | None = None,
) -> Iterator[list[Item]]:
    """Yield the items of each source of a period, the newest source first.

    A source's items are in the order of their ids. `before` leaves out this id and all after it.
    With `names`, the items have these attributes only. With `parallel`, the first pages of a day's
    partitions are read at the same time. With `first_page`, these have so many items, and later
    ones more.
    """
    first, last = ids.minute_id(since), before or ids.minute_id(until)
    first_day, day = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    while day >= first_day:
        partitions = [
            table.query_range(
                f"{day}#{shard}",
                *(first, last, names),
                newest_first=True,
                page_size=first_page,
                growing=True,
            )
            for shard in ids.SHARDS
        ]
        sources = [_sources(items, before) for items in partitions]
        if parallel:
            sources = _started(sources)
        yield from merge(*sources, key=_source_id, reverse=True)
        day -= timedelta(days=1)


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


def _started(sources: Sequence[Iterator[list[Item]]]) -> list[Iterator[list[Item]]]:
    services.prepare("dynamodb")  # once, before the threads share it
    with ThreadPoolExecutor(len(sources)) as pool:
        firsts = list(pool.map(lambda partition: next(partition, None), sources))
    return [chain([first], rest) for first, rest in zip(firsts, sources, strict=True) if first]


def _source_id(items: Sequence[Item]) -> str:
    return ids.source_id_of(items[0]["sk"])
