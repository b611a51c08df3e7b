"""One water point → the registry, with the id that stays the same when it is edited."""

from adaptors.common import data_value, field, fields
from adaptors.http import put


def path(state):
    submission = state["data"]
    return f"water-points/{submission.get('meta/rootUuid') or submission['_id']}"


put(
    path,
    fields(
        field("name", data_value("point/name")),
        field("works", lambda state: state["data"]["point/works"] == "yes"),
        field("seen", data_value("_submission_time")),
    ),
)
