"""Kobo household form → the registry, with the whole answer beside the fields we name.

Kobo prefixes a question in a group with the group's name (`group1/name`), and sends every answer
as text.
"""

from adaptors.common import data_value, field, fields, fn
from adaptors.http import put


def with_age_as_number(state):
    age = state["data"].get("group1/age")
    return {**state, "age": int(age) if age and age.isdigit() else None}


fn(with_age_as_number)

put(
    lambda state: f"households/{state['data']['_uuid']}",
    fields(
        field("head", data_value("group1/name")),
        field("age", lambda state: state["age"]),
        field("submitted", data_value("_submission_time")),
        field("location", data_value("_geolocation")),
        field("answers", lambda state: state["data"]),
    ),
)
