"""Kobo household form → the registry: a few fields, and all answers beside them.

If a question is in a group, its key has the name of the group (`group1/name`). Every answer is
text.
"""

from adaptors.common import data_value, field, fields, fn
from adaptors.http import put


def with_age_as_number(state):
    age = state["data"].get("group1/age")
    return {**state, "age": int(age) if age and age.isdigit() else None}


def path(state):
    # `_uuid` changes when a submission is edited. Old servers have no `meta/rootUuid`.
    submission = state["data"]
    return f"households/{submission.get('meta/rootUuid') or submission['_id']}"


fn(with_age_as_number)

put(
    path,
    fields(
        field("head", data_value("group1/name")),
        field("age", lambda state: state["age"]),
        field("submitted", data_value("_submission_time")),
        field("location", data_value("_geolocation")),
        field("answers", lambda state: state["data"]),
    ),
)
