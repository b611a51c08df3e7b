"""Payloads of the tracker: their shape, the names of their fields, and how they are split.

Enrollments, events and relationships are nested in the object they belong to, or they are listed
beside it and name it by its uid.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adaptors.common import to_array
from adaptors.errors import ConfigurationError

Payload = dict[str, list[dict[str, Any]]]
Object = tuple[str, dict[str, Any]]
"""A resource, and the fields of an object of it."""
UID_FIELDS = {
    "trackedEntities": "trackedEntity",
    "enrollments": "enrollment",
    "events": "event",
    "relationships": "relationship",
}
"""The tracker's resources, and the field with the uid of their objects."""
# Fields of the old tracker. The new one ignores them silently.
_RENAMED = {
    "trackedEntityInstance": "trackedEntity",
    "enrollmentDate": "enrolledAt",
    "incidentDate": "occurredAt",
    "eventDate": "occurredAt",
    "dueDate": "scheduledAt",
    "completedDate": "completedAt",
    "coordinate": "geometry",
}


def wrap_objects(resource: str, data: Any) -> Any:
    """Return a payload for one object, a list of objects, or a payload.

    >>> wrap_objects("events", {"event": "ZwwuwNp6gVd"})
    {'events': [{'event': 'ZwwuwNp6gVd'}]}
    """
    if data is None:
        raise ConfigurationError(f"There is no object for {resource}: the data has no value.")
    if isinstance(data, dict) and resource in data:
        return data
    return {resource: to_array(data)}


def validate_payload(payload: Any) -> Payload:
    """Return a payload with a list for each resource, or raise ConfigurationError."""
    if not isinstance(payload, dict) or not payload.keys() <= UID_FIELDS.keys():
        raise ConfigurationError(
            f"The tracker's payload is a dict of {', '.join(UID_FIELDS)}, each a list of objects. "
            "Remove all other keys."
        )
    lists = {
        resource: to_array(payload[resource]) for resource in UID_FIELDS if resource in payload
    }
    for resource, fields in walk_objects(lists):
        if not isinstance(fields, dict):
            raise ConfigurationError(
                f"{resource} of the tracker are dicts, and one is of type {type(fields).__name__}."
            )
        for old_name in _RENAMED.keys() & fields.keys():
            raise ConfigurationError(
                f"An object of {resource} has {old_name}, which the tracker does not read. Rename "
                f"it to {_RENAMED[old_name]}. Up to 2.41, legacy=True sends to the old tracker."
            )
    return lists


def walk_objects(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield each object of a payload with its resource, nested objects too."""
    for resource in UID_FIELDS:
        for fields in to_array(part.get(resource)) if isinstance(part, dict) else ():
            yield resource, fields
            yield from walk_objects(fields)


def split_payload(payload: Payload, size: int) -> list[Payload]:
    """Split a payload into chunks of at most `size` objects. Nested objects are counted.

    Objects that refer to each other stay together, such as a relationship and both its sides. If
    that makes more than `size` objects, they are a larger chunk.

    >>> events = [{"event": "A", "enrollment": "E"}, {"event": "B"}]
    >>> payload = {"enrollments": [{"enrollment": "E"}], "events": events}
    >>> [list(chunk) for chunk in split_payload(payload, 2)]
    [['enrollments', 'events'], ['events']]
    """
    chunks: list[list[Object]] = []
    room = 0
    objects = [
        (resource, fields) for resource in UID_FIELDS for fields in payload.get(resource, [])
    ]
    for group in _group_by_reference(objects):
        number = sum(1 + sum(1 for _ in walk_objects(fields)) for _, fields in group)
        if number > room:
            chunks.append([])
            room = size
        chunks[-1] += group
        room -= number
    return [_payload_of(chunk) for chunk in chunks]


def _group_by_reference(objects: list[Object]) -> list[list[Object]]:
    # Union-find: each object's leader is the first object of its group.
    index_of = {uid: index for index, item in enumerate(objects) for uid in _own_uids(item)}
    leaders = list(range(len(objects)))
    for index, (_, fields) in enumerate(objects):
        for uid in _mentioned_uids(fields):
            if uid in index_of:
                first, second = _leader(leaders, index), _leader(leaders, index_of[uid])
                leaders[max(first, second)] = min(first, second)
    groups: dict[int, list[Object]] = {}
    for index, item in enumerate(objects):
        groups.setdefault(_leader(leaders, index), []).append(item)
    return list(groups.values())


def _leader(leaders: list[int], index: int) -> int:
    while leaders[index] != index:
        leaders[index] = leaders[leaders[index]]
        index = leaders[index]
    return index


def _own_uids(item: Object) -> Iterator[str]:
    for resource, fields in [item, *walk_objects(item[1])]:
        if isinstance(uid := fields.get(UID_FIELDS[resource]), str):
            yield uid


def _mentioned_uids(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _mentioned_uids(item)
    if isinstance(part, dict):
        for key in (*UID_FIELDS.values(), *UID_FIELDS, "from", "to"):
            value = part.get(key)
            yield from [value] if isinstance(value, str) else _mentioned_uids(value)


def _payload_of(objects: list[Object]) -> Payload:
    payload: Payload = {}
    for resource, fields in objects:
        payload.setdefault(resource, []).append(fields)
    return {resource: payload[resource] for resource in UID_FIELDS if resource in payload}
