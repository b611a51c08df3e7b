"""Kobo child registration → a tracked entity, its enrollment and an event for each vaccination.

The uid of each object is computed from the id of the submission, and the import creates or
updates. So nothing is created twice, even if a submission comes twice or a run is tried again.
"""

from adaptors.common import data_value
from adaptors.dhis2 import attr, dv, tracker_import, uid

PROGRAM, STAGE, CHILD = "IpHINAT79UW", "A03MvHHogjR", "nEenWmSyUEp"
FACILITIES = {"ngelehun": "DiszpKrYNg8", "kissy": "tYhyr3oGcvA"}
CONDITIONS = {"asthma": "X8zyunlgUfM", "sickle_cell": "a3kGcGDCuk6"}


def submission(state):
    """Return the id that stays the same when the submission is edited; `_uuid` does not."""
    return state["data"].get("meta/rootUuid") or state["data"]["_id"]


def facility(state):
    return FACILITIES[data_value("place/facility")(state)]


def location(state):
    """Convert Kobo's `lat lon alt accuracy` to GeoJSON, which has lon before lat."""
    text = data_value("place/location")(state)
    if not text:
        return None
    latitude, longitude, *_ = map(float, text.split())
    return {"type": "Point", "coordinates": [longitude, latitude]}


def attributes(state):
    conditions = (data_value("child/conditions")(state) or "").split()  # one text with spaces
    return [
        attr("w75KJ2mc4zz", data_value("child/first_name")),
        attr("zDhUuAYrxNC", data_value("child/last_name")),
        *[attr(CONDITIONS[name], "true") for name in conditions if name in CONDITIONS],
    ]


def vaccinations(state):
    repeat = "vaccinations/vaccination"  # inside it, keys have the complete path too
    return [
        {
            "event": uid(submission, "vaccination", number),
            "program": PROGRAM,
            "programStage": STAGE,
            "orgUnit": facility,
            "occurredAt": entry[f"{repeat}/date"],
            "status": "COMPLETED",
            "dataValues": [dv("bx6fsa0t90x", entry[f"{repeat}/vaccine"])],
        }
        for number, entry in enumerate(data_value(repeat)(state) or [])
    ]


tracker_import(
    {
        "trackedEntities": [
            {
                "trackedEntity": uid(submission, "child"),
                "trackedEntityType": CHILD,
                "orgUnit": facility,
                "geometry": location,
                "attributes": attributes,
                "enrollments": [
                    {
                        "enrollment": uid(submission, "enrollment"),
                        "program": PROGRAM,
                        "orgUnit": facility,
                        "enrolledAt": data_value("_submission_time"),
                        "occurredAt": data_value("child/born"),
                        "events": vaccinations,
                    }
                ],
            }
        ]
    }
)
