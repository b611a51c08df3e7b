"""The paths of resources: under `tracker/`, or under their own name."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from adaptors.credentials import read_credential
from adaptors.dhis2.credential import Configuration
from adaptors.dhis2.tracker_payloads import UID_FIELDS
from adaptors.errors import ConfigurationError
from adaptors.operations import State

_ALL_UID_FIELDS = {"trackedEntityInstances": "trackedEntityInstance", **UID_FIELDS}
_FIRST_WITHOUT_OLD_TRACKER = 42


def is_tracker_resource(resource: Any, *, legacy: bool = False) -> bool:
    """Return whether the tracker imports the objects of a resource."""
    return not legacy and isinstance(resource, str) and resource.strip("/") in UID_FIELDS


def resource_path(state: State, resource: Any, *, legacy: bool = False) -> str:
    """Return the path of a resource below the API."""
    path = resource.strip("/") if isinstance(resource, str) else ""
    if not path:
        raise ConfigurationError("A resource is a text, such as 'organisationUnits'.")
    name = re.split("[/?]", path)[0]
    if is_tracker_resource(name, legacy=legacy):
        return f"tracker/{path}"
    version = read_credential(Configuration, state).api_version
    old = legacy or name == "trackedEntityInstances"
    if old and version is not None and version >= _FIRST_WITHOUT_OLD_TRACKER:
        raise ConfigurationError(
            f"The old tracker's {name} was removed in DHIS2 2.42, and the credential's apiVersion "
            f"is {version}. Use trackedEntities, enrollments and events, without legacy."
        )
    return path


def object_path(path: Any) -> str:
    """Return the path of an object below its resource: its uid, and perhaps more.

    >>> object_path("FTRrcoaog83/items/a b")
    'FTRrcoaog83/items/a%20b'
    """
    parts = path.strip("/").split("/") if isinstance(path, str) else [""]
    # An empty path would be the resource itself; dots would lead to another resource.
    if any(not part.strip() or set(part) == {"."} for part in parts):
        raise ConfigurationError(
            "The uid of the object is missing: this record has no text for it. Check the argument "
            "after the resource."
        )
    return "/".join(quote(part, safe="") for part in parts)


def uid_field(resource: str) -> str:
    """Return the field that holds the uid of a resource's objects.

    >>> uid_field("events"), uid_field("organisationUnits")
    ('event', 'id')
    """
    return _ALL_UID_FIELDS.get(resource.strip("/"), "id")
