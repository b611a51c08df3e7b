"""Operations on any resource of DHIS2. The tracker's resources go through the tracker."""

from __future__ import annotations

from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.common import to_array
from adaptors.credentials import read_credential
from adaptors.dhis2.client import Query, fetch, write
from adaptors.dhis2.credential import Configuration
from adaptors.dhis2.endpoints import (
    is_tracker_resource,
    object_path,
    resource_path,
    uid_field,
)
from adaptors.dhis2.lists import fetch_complete
from adaptors.dhis2.tracker_import import import_payload
from adaptors.dhis2.tracker_payloads import wrap_objects
from adaptors.errors import ConfigurationError
from adaptors.operations import State, next_state, operation

_FIRST_WITH_JSON_PATCH = 37
# The tracker sends these fields, but does not accept them.
_READ_ONLY = {"createdBy", "updatedBy"}


@operation
def get(
    state: State,
    resource: str,
    query: Query | None = None,
    *,
    legacy: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch all pages of a resource, or one object by its uid; `data` becomes the response.

    With `page` (and `pageSize`) in the query, only that page is fetched. With `pageSize` alone, it
    is an error if there are more objects. `tracker_export` fetches the tracker's lists under the
    same name in all versions. With `legacy`, events, enrollments and relationships are those of the
    old tracker (removed in 2.42).

    >>> operate = get("organisationUnits", {"filter": "code:eq:OU_559", "fields": "id,name"})
    >>> operate = get("events/ZwwuwNp6gVd")
    """
    path = resource_path(state, resource, legacy=legacy)
    return next_state(state, fetch_complete(state, path, query, timeout))


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
    """Create an object, or a list of tracker objects; `data` becomes DHIS2's report.

    The tracker imports `trackedEntities`, `enrollments`, `events` and `relationships`. It refuses
    objects that already exist; `upsert` and `tracker_import` do not, so that a retry succeeds.
    Everything else is posted to the resource with its name, also `trackedEntityInstances` (removed
    in 2.42). With `legacy`, enrollments, events and relationships go to the old tracker too.

    >>> from adaptors.common import data_value
    >>> visit = {"program": "eBAyeGv0exc", "orgUnit": data_value("group1/facility")}
    >>> operate = create("events", {**visit, "occurredAt": data_value("_submission_time")})
    """
    if is_tracker_resource(resource, legacy=legacy):
        payload = wrap_objects(resource.strip("/"), data)
        report = import_payload(state, payload, "CREATE", query=query, timeout=timeout)
    else:
        path = resource_path(state, resource, legacy=legacy)
        report = write(state, "POST", path, _create_body(path, data), query, timeout=timeout)
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
    """Replace the object with a uid; `data` becomes DHIS2's report.

    Fields that are missing in `data` are emptied; the tracker keeps only the members of lists, such
    as attributes. `patch` and `upsert` keep all other fields.

    >>> operate = update("organisationUnits", "DiszpKrYNg8", {"name": "Ngelehun CHC"})
    """
    if is_tracker_resource(resource, legacy=legacy):
        payload = _update_payload(resource, path, data)
        report = import_payload(state, payload, "UPDATE", query=query, timeout=timeout)
    else:
        target = f"{resource_path(state, resource, legacy=legacy)}/{object_path(path)}"
        report = write(state, "PUT", target, data, query, timeout=timeout)
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
    """Change some fields of the object with a uid; `data` becomes DHIS2's report.

    `data` is a dict of the new values, or a list of JSON Patch operations. The tracker has no such
    request: its objects are fetched, changed and sent back.

    >>> operate = patch("enrollments", "MNWZ6hnuhSw", {"status": "COMPLETED"})
    """
    target = f"{resource_path(state, resource)}/{object_path(path)}"
    if is_tracker_resource(resource):
        old = fetch(state, target, timeout=timeout, dry_run_response={})
        fields = {
            key: value
            for key, value in old.items()
            if not isinstance(value, list) and key not in _READ_ONLY
        }
        payload = _update_payload(resource, path, {**fields, **_require_dict(data)})
        report = import_payload(state, payload, "UPDATE", query=query, timeout=timeout)
    else:
        report = _json_patch(state, target, data, query, timeout)
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
    """Delete the object with a uid, or a list of tracker objects; `data` becomes DHIS2's report.

    Nested objects are deleted too: a tracked entity's enrollments, an enrollment's events.

    >>> operate = destroy("events", "ZwwuwNp6gVd")
    """
    if is_tracker_resource(resource, legacy=legacy):
        name = resource.strip("/")
        objects = [{uid_field(name): object_path(uid)} for uid in to_array(path) or [""]]
        report = import_payload(state, {name: objects}, "DELETE", query=query, timeout=timeout)
    else:
        target = f"{resource_path(state, resource, legacy=legacy)}/{object_path(path)}"
        report = write(state, "DELETE", target, None, query, timeout=timeout)
    return next_state(state, report)


@operation
def data_value_sets(
    state: State, data: Any, *, query: Query | None = None, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Send a data value set, or a list of data values; `data` becomes DHIS2's report.

    DHIS2 counts values that have not changed as ignored. That is not a failure.

    >>> from adaptors.common import data_value
    >>> from adaptors.dhis2 import dv
    >>> operate = data_value_sets({
    ...     "dataSet": "pBOMPrpg1QX",
    ...     "period": data_value("month"),
    ...     "orgUnit": data_value("facility"),
    ...     "dataValues": [dv("f7n9E0hX8qk", data_value("measles"))],
    ... })
    """
    body = _create_body("dataValueSets", data)
    report = write(state, "POST", "dataValueSets", body, query, timeout=timeout)
    return next_state(state, report)


def _create_body(path: str, data: Any) -> Any:
    if path == "tracker":
        raise ConfigurationError(
            "Import into the tracker with tracker_import(payload), not with create."
        )
    if not isinstance(data, list):
        return data
    if path in {"events", "enrollments", "relationships", "trackedEntityInstances"}:
        return {path: data}
    if path == "dataValueSets":
        return {"dataValues": data}
    raise ConfigurationError(
        f"{path} accepts one object. Send a list with create('metadata', {{'{path}': …}})."
    )


def _update_payload(resource: str, path: Any, data: Any) -> dict[str, Any]:
    name = resource.strip("/")
    if name == "relationships":
        raise ConfigurationError(
            "DHIS2 cannot change a relationship. Destroy it and create another one."
        )
    field, uid = uid_field(name), object_path(path)
    if _require_dict(data).get(field, uid) != uid:
        raise ConfigurationError(f"{field} in the data is not the uid of the object to update.")
    return {name: [{**data, field: uid}]}


def _json_patch(state: State, target: str, data: Any, query: Query | None, timeout: float) -> Any:
    version = read_credential(Configuration, state).api_version
    if isinstance(data, dict) and version is not None and version < _FIRST_WITH_JSON_PATCH:
        return write(state, "PATCH", target, data, query, timeout=timeout)
    steps = data
    if isinstance(data, dict):
        # The path of a JSON Patch is a JSON Pointer. "add" also replaces an existing value.
        names = {key: key.replace("~", "~0").replace("/", "~1") for key in data}
        steps = [{"op": "add", "path": f"/{names[key]}", "value": data[key]} for key in data]
    content_type = "application/json-patch+json"
    return write(state, "PATCH", target, steps, query, content_type=content_type, timeout=timeout)


def _require_dict(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigurationError(
            f"The data of one object is a dict, not of type {type(data).__name__}."
        )
    return data
