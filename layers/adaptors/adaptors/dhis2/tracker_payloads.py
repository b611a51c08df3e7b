"""What the tracker is sent: its shape, the names of its fields, and chunks of it.

Enrollments, events and relationships stand inside of what they belong to, or beside it and name
it by its uid.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adaptors.common import to_array
from adaptors.errors import ConfigurationError

Payload = dict[str, list[dict[str, Any]]]
Item = tuple[str, dict[str, Any]]
UIDS = {
    "trackedEntities": "trackedEntity",
    "enrollments": "enrollment",
    "events": "event",
    "relationships": "relationship",
}
"""The tracker's resources, and the field that holds the uid of an object of each."""
# The old tracker's fields, which the new one passes over without a word.
_RENAMED = {
    "trackedEntityInstance": "trackedEntity",
    "enrollmentDate": "enrolledAt",
    "incidentDate": "occurredAt",
    "eventDate": "occurredAt",
    "dueDate": "scheduledAt",
    "completedDate": "completedAt",
    "coordinate": "geometry",
}


def wrapped(resource: str, data: Any) -> Any:
    """Make a payload of the objects of one resource: one, a list of them, or already a payload.

    >>> wrapped("events", {"event": "ZwwuwNp6gVd"})
    {'events': [{'event': 'ZwwuwNp6gVd'}]}
    """
    if isinstance(data, dict) and resource in data:
        return data
    return {resource: to_array(data)}


def checked(payload: Any) -> Payload:
    """Give a payload with a list for each resource, or raise what is wrong with it."""
    if not isinstance(payload, dict) or not payload.keys() <= UIDS.keys():
        raise ConfigurationError(
            f"the tracker takes a dict of {', '.join(UIDS)}, each a list of objects, and nothing "
            "else beside them"
        )
    lists = {key: to_array(payload[key]) for key in UIDS if key in payload}
    for key, each in objects(lists):
        if not isinstance(each, dict):
            raise ConfigurationError(
                f"{key} for the tracker are dicts, and one is of type {type(each).__name__}"
            )
        for old in _RENAMED.keys() & each.keys():
            raise ConfigurationError(
                f"an object of {key} has {old}, which the tracker does not read: it is named "
                f"{_RENAMED[old]} there; legacy=True sends to the resource of old, up to 2.41"
            )
    return lists


def objects(part: Any) -> Iterator[tuple[str, Any]]:
    """Give each object of a payload and its resource, those inside of others too."""
    for key in UIDS:
        for each in to_array(part.get(key)) if isinstance(part, dict) else ():
            yield key, each
            yield from objects(each)


def chunks(payload: Payload, size: int) -> list[Payload]:
    """Divide a payload into such of at most `size` objects, those inside of others counted.

    What belongs together stays together: an object is in one chunk with each that names it by its
    uid, such as a relationship with both its sides. What belongs together and is more than `size`
    is a chunk of its own.

    >>> events = [{"event": "A", "enrollment": "E"}, {"event": "B"}]
    >>> [list(each) for each in chunks({"enrollments": [{"enrollment": "E"}], "events": events}, 2)]
    [['enrollments', 'events'], ['events']]
    """
    packed: list[list[Item]] = []
    room = 0
    for group in _together([(key, each) for key in UIDS for each in payload.get(key, [])]):
        weight = sum(1 + sum(1 for _ in objects(each)) for _, each in group)
        if weight > room:
            packed.append([])
            room = size
        packed[-1] += group
        room -= weight
    return [_payload(items) for items in packed]


def _together(items: list[Item]) -> list[list[Item]]:
    owners = {uid: n for n, item in enumerate(items) for uid in _own(item)}
    leaders = list(range(len(items)))
    for n, (_, each) in enumerate(items):
        for uid in _named(each):
            if uid in owners:
                one, other = _leader(leaders, n), _leader(leaders, owners[uid])
                leaders[max(one, other)] = min(one, other)
    groups: dict[int, list[Item]] = {}
    for n, item in enumerate(items):
        groups.setdefault(_leader(leaders, n), []).append(item)
    return list(groups.values())


def _leader(leaders: list[int], n: int) -> int:
    while leaders[n] != n:
        leaders[n] = leaders[leaders[n]]
        n = leaders[n]
    return n


def _own(item: Item) -> Iterator[str]:
    key, each = item
    for resource, object_ in [(key, each), *objects(each)]:
        if isinstance(uid := object_.get(UIDS[resource]), str):
            yield uid


def _named(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _named(each)
    if isinstance(part, dict):
        for key in (*UIDS.values(), *UIDS, "from", "to"):
            value = part.get(key)
            yield from [value] if isinstance(value, str) else _named(value)


def _payload(items: list[Item]) -> Payload:
    made: Payload = {}
    for key in UIDS:
        if found := [each for name, each in items if name == key]:
            made[key] = found
    return made
