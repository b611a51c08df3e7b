"""Create an object, or update the one that already exists."""

from __future__ import annotations

from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.absent import require_present
from adaptors.common import to_array
from adaptors.dhis2.client import Query, fetch, format_query, write
from adaptors.dhis2.endpoints import is_tracker_resource, object_path, resource_path, uid_field
from adaptors.dhis2.tracker import records_of
from adaptors.dhis2.tracker_import import import_payload
from adaptors.dhis2.tracker_payloads import wrap_objects
from adaptors.dhis2.values import drop_without_value
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State, next_state, operation

# A PUT without relationships deletes them. With enrollments it would import those too.
_FIELDS_OF_OLD_ENTITY = (
    "trackedEntityInstance,trackedEntityType,orgUnit,inactive,geometry,relationships,"
    "attributes[attribute,value]"
)


@operation
def upsert(
    state: State,
    resource: str,
    query: Query | None,
    data: Any,
    *,
    legacy: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Create an object, or update the one that a query finds; `data` becomes DHIS2's report.

    If the query finds no object, it is created. If it finds one, that is changed to `data` and
    keeps all fields that `data` does not have (lists are replaced, except a tracked entity's
    attributes). If it finds more, `RemoteRefused` says how many. Tracker objects with their own uid
    need no query (`None`): they are imported with CREATE_AND_UPDATE, so that even two runs at the
    same time store one object. An update sends the query's `program` too.

    >>> from adaptors.common import data_value
    >>> from adaptors.dhis2 import uid
    >>> village = {"name": data_value("village"), "code": data_value("code")}
    >>> operate = upsert(
    ...     "organisationUnits",
    ...     {"filter": lambda state: f"code:eq:{state['data']['code']}"},
    ...     village,
    ... )
    >>> operate = upsert("events", None, {"event": uid(data_value("_id")), "status": "ACTIVE"})
    """
    _require_complete(query)
    data = drop_without_value(data)
    if is_tracker_resource(resource, legacy=legacy):
        report = _upsert_in_tracker(state, resource.strip("/"), query, data, timeout)
    else:
        path = resource_path(state, resource, legacy=legacy)
        report = _upsert_object(state, path, query, data, timeout)
    return next_state(state, report)


def _require_complete(query: Query | None) -> None:
    """Raise ConfigurationError for a part without a value: another object would match."""
    require_present(query, "The query of upsert")
    for key, value in (query or {}).items():
        if value is None or (isinstance(value, list | tuple) and None in value):
            raise ConfigurationError(
                f"The query of upsert has no value for {key}, so another object would match. Test "
                "for the value first."
            )


def _upsert_in_tracker(
    state: State, resource: str, query: Query | None, data: Any, timeout: float
) -> dict[str, Any]:
    field = uid_field(resource)
    if query:
        old = _find_one(state, f"tracker/{resource}", query, field, field, timeout)
        data = {**_require_object(data), **({field: old[field]} if old else {})}
    payload = wrap_objects(resource, data)
    objects = to_array(payload[resource])
    if not query and not all(isinstance(item, dict) and item.get(field) for item in objects):
        raise ConfigurationError(
            f"Without a query each object needs its own {field}, such as "
            "uid(data_value('_id')). Otherwise every run would create another object."
        )
    return import_payload(state, payload, "CREATE_AND_UPDATE", timeout=timeout)


def _upsert_object(state: State, path: str, query: Query | None, data: Any, timeout: float) -> Any:
    if not query:
        raise ConfigurationError(
            f"upsert of {path} needs a query that finds the object, such as "
            "{'filter': 'code:eq:OU_559'}."
        )
    field = uid_field(path)
    fields = _FIELDS_OF_OLD_ENTITY if path == "trackedEntityInstances" else ":owner"
    old = _find_one(state, path, query, field, fields, timeout)
    if old is None:
        return write(state, "POST", path, _require_object(data), timeout=timeout)
    program = {key: query[key] for key in ("program",) if key in query}
    target = f"{path}/{object_path(old.get(field))}"
    merged = _merge(old, _require_object(data))
    return write(state, "PUT", target, merged, program, timeout=timeout)


def _find_one(
    state: State, path: str, query: Query, field: str, fields: str, timeout: float
) -> dict[str, Any] | None:
    resource = path.rpartition("/")[2]
    query = {**format_query(query), "fields": fields}
    body = fetch(state, path, query, timeout=timeout, dry_run_response={resource: []})
    objects = records_of(body, resource)
    if objects and not objects[0].get(field):
        raise RemoteRefused(f"An object of {resource} has no {field}: it cannot be updated.")
    if len(objects) > 1:
        total = (body.get("pager") or {}).get("total") or len(objects)
        raise RemoteRefused(
            f"The query finds {total} {resource}, and upsert can update only one. Make the query "
            "narrower."
        )
    return objects[0] if objects else None


def _merge(old: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    merged = {**old, **data}
    if "attributes" in old and "attributes" in data:
        attributes = [*to_array(old["attributes"]), *to_array(data["attributes"])]
        by_uid = {attribute["attribute"]: attribute for attribute in attributes}
        merged["attributes"] = list(by_uid.values())
    return merged


def _require_object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigurationError(
            f"upsert with a query needs one object, a dict, not {type(data).__name__}."
        )
    return data
