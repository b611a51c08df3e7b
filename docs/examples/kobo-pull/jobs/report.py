"""A pull or a delivery that failed → one alert, without the record."""

from adaptors.common import field, fields
from adaptors.http import post


def error(key):
    return lambda state: state["error"][key]


post(
    "alerts",
    fields(
        field("error", error("type")),
        field("operation", error("operation")),
        field("line", error("line")),
        # Only a delivery has a submission.
        field("submission", lambda state: state.get("data", {}).get("_id", "none")),
    ),
)
