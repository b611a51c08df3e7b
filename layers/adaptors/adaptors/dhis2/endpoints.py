"""Where a resource is: below the tracker, or below its own name."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from adaptors.credentials import read_credential
from adaptors.dhis2.credential import Configuration
from adaptors.dhis2.tracker_payloads import UIDS
from adaptors.errors import ConfigurationError
from adaptors.operations import State

_OLD_UIDS = {"trackedEntityInstances": "trackedEntityInstance", **UIDS}
_WITHOUT_OLD_TRACKER = 42


def tracked(resource: Any, *, legacy: bool = False) -> bool:
    """Tell whether objects of a resource are the tracker's to import."""
    return not legacy and isinstance(resource, str) and resource.strip("/") in UIDS


def place(state: State, resource: Any, *, legacy: bool = False) -> str:
    """Give the path of a resource below the API."""
    text = resource.strip("/") if isinstance(resource, str) else ""
    if not text:
        raise ConfigurationError("a resource is named by a text, such as organisationUnits")
    first = re.split("[/?]", text)[0]
    if tracked(first, legacy=legacy):
        return f"tracker/{text}"
    version = read_credential(Configuration, state).api_version
    old = legacy or first == "trackedEntityInstances"
    if old and version is not None and version >= _WITHOUT_OLD_TRACKER:
        raise ConfigurationError(
            f"{first} of the old tracker is gone since 2.42, and the credential's apiVersion is "
            f"{version}: use trackedEntities, enrollments and events, without legacy"
        )
    return text


def below(path: Any) -> str:
    """Give the path of an object below its resource: its uid, and perhaps what is inside of it.

    >>> below("FTRrcoaog83/items/a b")
    'FTRrcoaog83/items/a%20b'
    """
    parts = path.strip("/").split("/") if isinstance(path, str) else [""]
    # Empty, it would be the resource as a whole; with dots, another one.
    if any(not part.strip() or set(part) == {"."} for part in parts):
        raise ConfigurationError(
            "the object is named by its uid, a text, and this record gives none: look at what "
            "stands after the resource"
        )
    return "/".join(quote(part, safe="") for part in parts)


def uid_field(resource: str) -> str:
    """Name the field that holds the uid of an object of a resource.

    >>> uid_field("events"), uid_field("organisationUnits")
    ('event', 'id')
    """
    return _OLD_UIDS.get(resource.strip("/"), "id")
