"""One water point → the registry, with the id of the submission."""

from adaptors.common import data_value, field, fields
from adaptors.http import put

put(
    lambda state: f"water-points/{state['data']['_uuid']}",
    fields(
        field("name", data_value("point/name")),
        field("works", lambda state: state["data"]["point/works"] == "yes"),
        field("seen", data_value("_submission_time")),
    ),
)
