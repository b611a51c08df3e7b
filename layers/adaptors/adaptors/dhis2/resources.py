"""Operations on any resource of DHIS2; what is the tracker's goes through the tracker."""

from __future__ import annotations

from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.common import to_array
from adaptors.credentials import read_credential
from adaptors.dhis2.client import Query, fetch, store
from adaptors.dhis2.credential import Configuration
from adaptors.dhis2.endpoints import below, place, tracked, uid_field
from adaptors.dhis2.tracker_import import bring
from adaptors.dhis2.tracker_payloads import wrapped
from adaptors.errors import ConfigurationError
from adaptors.operations import State, next_state, operation

_JSON_PATCH = 37
# What the tracker gives of an object and does not take back.
_OWN = {"createdBy", "updatedBy"}


@operation
def get(
    state: State,
    resource: str,
    query: Query | None = None,
    *,
    legacy: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch one page of a resource, or one object by its uid; `data` becomes the answer.

    `tracker_export` fetches all pages of what is the tracker's. With `legacy`, events, enrollments
    and relationships are those of the old tracker (gone since 2.42).

    >>> operate = get("organisationUnits", {"filter": "code:eq:OU_559", "fields": "id,name"})
    >>> operate = get("events/ZwwuwNp6gVd")
    """
    return next_state(
        state, fetch(state, place(state, resource, legacy=legacy), query, timeout=timeout)
    )


@operation
def create(
    state: State,
    resource: str,
    data: Any,
    *,
    query: Query | None = None,
    legacy: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Create one object, or a list of the tracker's; `data` becomes what DHIS2 reports.

    `trackedEntities`, `enrollments`, `events` and `relationships` are imported by the tracker,
    which refuses what is there already; `upsert` and `tracker_import` do not, so that a run that is
    tried again ends well with them. Everything else is posted to the resource of its name, also
    `trackedEntityInstances` (gone since 2.42); with `legacy` those three of the old tracker too.

    >>> from adaptors.common import data_value
    >>> visit = {"program": "eBAyeGv0exc", "orgUnit": data_value("group1/facility")}
    >>> operate = create("events", {**visit, "occurredAt": data_value("_submission_time")})
    """
    if tracked(resource, legacy=legacy):
        name = resource.strip("/")
        report = bring(state, wrapped(name, data), "CREATE", query=query, timeout=timeout)
    else:
        path = place(state, resource, legacy=legacy)
        report = store(state, "POST", path, _body(path, data), query, timeout=timeout)
    return next_state(state, report)


@operation
def update(
    state: State,
    resource: str,
    path: str,
    data: Any,
    *,
    query: Query | None = None,
    legacy: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Replace the object of a uid; `data` becomes what DHIS2 reports.

    Fields that `data` leaves out are emptied, by the tracker too (but for the members of lists,
    such as attributes); `patch` and `upsert` keep them.

    >>> operate = update("organisationUnits", "DiszpKrYNg8", {"name": "Ngelehun CHC"})
    """
    if tracked(resource, legacy=legacy):
        payload = _payload(resource, path, data)
        report = bring(state, payload, "UPDATE", query=query, timeout=timeout)
    else:
        where = f"{place(state, resource, legacy=legacy)}/{below(path)}"
        report = store(state, "PUT", where, data, query, timeout=timeout)
    return next_state(state, report)


@operation
def patch(
    state: State,
    resource: str,
    path: str,
    data: Any,
    *,
    query: Query | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Change some fields of the object of a uid; `data` becomes what DHIS2 reports.

    `data` is a dict of the new values, or a list of the operations of JSON Patch. An object of the
    tracker, which knows no such request, is fetched and sent back with the new values.

    >>> operate = patch("enrollments", "MNWZ6hnuhSw", {"status": "COMPLETED"})
    """
    if tracked(resource):
        where = f"{place(state, resource)}/{below(path)}"
        found = fetch(state, where, timeout=timeout, dry_run_response={})
        kept = {k: v for k, v in found.items() if not isinstance(v, list) and k not in _OWN}
        payload = _payload(resource, path, {**kept, **_dict(data)})
        report = bring(state, payload, "UPDATE", query=query, timeout=timeout)
    else:
        report = _patched(state, f"{place(state, resource)}/{below(path)}", data, query, timeout)
    return next_state(state, report)


@operation
def destroy(
    state: State,
    resource: str,
    path: str | list[str],
    *,
    query: Query | None = None,
    legacy: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Delete the object of a uid, or a list of the tracker's; `data` becomes what DHIS2 reports.

    What is inside of it goes with it: a tracked entity's enrollments, an enrollment's events.

    >>> operate = destroy("events", "ZwwuwNp6gVd")
    """
    if tracked(resource, legacy=legacy):
        name = resource.strip("/")
        each = [{uid_field(name): below(one)} for one in to_array(path) or [""]]
        report = bring(state, {name: each}, "DELETE", query=query, timeout=timeout)
    else:
        where = f"{place(state, resource, legacy=legacy)}/{below(path)}"
        report = store(state, "DELETE", where, None, query, timeout=timeout)
    return next_state(state, report)


@operation
def data_value_sets(
    state: State, data: Any, *, query: Query | None = None, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Send a data value set, or a list of data values; `data` becomes what DHIS2 reports.

    Sent again, values that have not changed count as ignored and are no failure.

    >>> from adaptors.common import data_value
    >>> from adaptors.dhis2 import dv
    >>> operate = data_value_sets({
    ...     "dataSet": "pBOMPrpg1QX",
    ...     "period": data_value("month"),
    ...     "orgUnit": data_value("facility"),
    ...     "dataValues": [dv("f7n9E0hX8qk", data_value("measles"))],
    ... })
    """
    body = _body("dataValueSets", data)
    return next_state(state, store(state, "POST", "dataValueSets", body, query, timeout=timeout))


def _body(path: str, data: Any) -> Any:
    if path == "tracker":
        raise ConfigurationError("the tracker is sent a payload with tracker_import(payload)")
    if not isinstance(data, list):
        return data
    if path in {"events", "enrollments", "relationships", "trackedEntityInstances"}:
        return {path: data}
    if path == "dataValueSets":
        return {"dataValues": data}
    raise ConfigurationError(
        f"{path} takes one object; send a list of metadata as create('metadata', {{'{path}': …}})"
    )


def _payload(resource: str, path: Any, data: Any) -> dict[str, Any]:
    name = resource.strip("/")
    if name == "relationships":
        raise ConfigurationError("DHIS2 changes no relationship: destroy it and create another")
    field, uid = uid_field(name), below(path)
    if _dict(data).get(field, uid) != uid:
        raise ConfigurationError(f"{field} in the data is not the uid that is to be updated")
    return {name: [{**data, field: uid}]}


def _patched(state: State, where: str, data: Any, query: Query | None, timeout: float) -> Any:
    version = read_credential(Configuration, state).api_version
    if isinstance(data, dict) and version is not None and version < _JSON_PATCH:
        return store(state, "PATCH", where, data, query, timeout=timeout)
    steps = data
    if isinstance(data, dict):
        # The path of a JSON Patch is a JSON Pointer: "add" also replaces what is there.
        names = {key: key.replace("~", "~0").replace("/", "~1") for key in data}
        steps = [{"op": "add", "path": f"/{names[key]}", "value": data[key]} for key in data]
    kind = "application/json-patch+json"
    return store(state, "PATCH", where, steps, query, content_type=kind, timeout=timeout)


def _dict(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigurationError(f"the data of one object is a dict, not {type(data).__name__}")
    return data
