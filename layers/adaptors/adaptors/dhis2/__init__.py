"""DHIS2: the tracker, aggregate data and metadata, versions 2.36 to 2.43.

The credential: `hostUrl`, and `username` with `password`, or a personal access token as `pat`;
`apiVersion` if the job needs a certain version. `trackedEntities`, `enrollments`, `events` and
`relationships` go through the tracker, everything else to the resource with its name. An import
succeeds only if DHIS2 reports that it imported everything. Conflicts, ignored objects and the
status ERROR fail the run (`RemoteRefused`), whatever the HTTP status. The error names each conflict
and quotes no values; the run's log has DHIS2's own messages.
"""

from __future__ import annotations

from adaptors.dhis2.credential import Configuration
from adaptors.dhis2.resources import create, data_value_sets, destroy, get, patch, update
from adaptors.dhis2.tracker import tracker_export, tracker_import
from adaptors.dhis2.uids import uid
from adaptors.dhis2.upserts import upsert
from adaptors.dhis2.values import attr, dv, find_attribute_value

__all__ = [
    "Configuration",
    "attr",
    "create",
    "data_value_sets",
    "destroy",
    "dv",
    "find_attribute_value",
    "get",
    "patch",
    "tracker_export",
    "tracker_import",
    "uid",
    "update",
    "upsert",
]
