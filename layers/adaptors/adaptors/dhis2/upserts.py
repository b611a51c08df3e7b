"""Create or update: whichever is needed."""

from __future__ import annotations

from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.common import to_array
from adaptors.dhis2.client import Query, fetch, plain, store
from adaptors.dhis2.endpoints import below, place, tracked, uid_field
from adaptors.dhis2.tracker import listed
from adaptors.dhis2.tracker_import import bring
from adaptors.dhis2.tracker_payloads import wrapped
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State, next_state, operation

# Without relationships a PUT deletes them; with enrollments it would import them too.
_OLD_ENTITY = (
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
    """Create an object, or update the one that a query finds; `data` becomes what DHIS2 reports.

    The query finds none: the object is created. It finds one: that is changed to `data`, and keeps
    what `data` does not name (lists are replaced, but for the attributes of a tracked entity). It
    finds more: `RemoteRefused` says how many. Objects of the tracker that have their own uid need
    no query (`None`): they are imported with CREATE_AND_UPDATE, which is also what makes two runs
    at once store one object. The `program` of a query is named in the update too.

    >>> from adaptors.common import data_value
    >>> from adaptors.dhis2 import uid
    >>> village = {"name": data_value("village"), "code": data_value("code")}
    >>> operate = upsert(
    ...     "organisationUnits",
    ...     {"filter": lambda state: f"code:eq:{state['data']['code']}"},
    ...     village,
    ... )
    >>> operate = upsert("events", None, {"event": uid(data_value("_uuid")), "status": "ACTIVE"})
    """
    if tracked(resource, legacy=legacy):
        report = _imported(state, resource.strip("/"), query, data, timeout)
    else:
        path = place(state, resource, legacy=legacy)
        report = _stored(state, path, query, data, timeout)
    return next_state(state, report)


def _imported(
    state: State, resource: str, query: Query | None, data: Any, timeout: float
) -> dict[str, Any]:
    field = uid_field(resource)
    if query:
        found = _one(state, f"tracker/{resource}", query, field, field, timeout)
        data = {**_object(data), **({field: found[field]} if found else {})}
    payload = wrapped(resource, data)
    every = to_array(payload[resource])
    if not query and not all(isinstance(each, dict) and each.get(field) for each in every):
        raise ConfigurationError(
            f"without a query each object needs its own {field}, such as uid(data_value('_uuid')): "
            "else every run creates another one"
        )
    return bring(state, payload, "CREATE_AND_UPDATE", timeout=timeout)


def _stored(state: State, path: str, query: Query | None, data: Any, timeout: float) -> Any:
    if not query:
        raise ConfigurationError(
            f"upsert of {path} needs a query that finds the object, such as "
            "{'filter': 'code:eq:OU_559'}"
        )
    field = uid_field(path)
    fields = _OLD_ENTITY if path == "trackedEntityInstances" else ":owner"
    found = _one(state, path, query, field, fields, timeout)
    program = {key: query[key] for key in ("program",) if key in query}
    if found is None:
        return store(state, "POST", path, _object(data), timeout=timeout)
    where = f"{path}/{below(found.get(field))}"
    return store(state, "PUT", where, _merged(found, _object(data)), program, timeout=timeout)


def _one(
    state: State, path: str, query: Query, field: str, fields: str, timeout: float
) -> dict[str, Any] | None:
    name = path.rpartition("/")[2]
    asked = {**plain(query), "fields": fields}
    body = fetch(state, path, asked, timeout=timeout, dry_run_response={name: []})
    found = listed(body, name)
    if found and not found[0].get(field):
        raise RemoteRefused(f"what DHIS2 finds of {name} has no {field}: it cannot be updated")
    if len(found) > 1:
        total = (body.get("pager") or {}).get("total") or len(found)
        raise RemoteRefused(
            f"the query finds {total} of {name} and upsert can update one: make the query narrower"
        )
    return found[0] if found else None


def _merged(found: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    merged = {**found, **data}
    if "attributes" in found and "attributes" in data:
        attributes = [*to_array(found["attributes"]), *to_array(data["attributes"])]
        merged["attributes"] = list({each["attribute"]: each for each in attributes}.values())
    return merged


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigurationError("upsert with a query takes one object, a dict")
    return data
