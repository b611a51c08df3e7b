"""CommCare home visit → one record for the visit, then one for each medicine.

CommCare sends a repeat with one entry as an object, and with more entries as a list. Every answer
is text.
"""

from adaptors.common import data_value, each, field, fields, fn, last_reference_value, to_array
from adaptors.http import post


def remember_visit_id(state):
    return {**state, "visit": state["data"]["id"]}


def medicines(state):
    return to_array(last_reference_value("form.medicine")(state))


fn(remember_visit_id)

post(
    "visits",
    fields(
        field("id", data_value("id")),
        field("case", data_value("form.case.@case_id")),
        field("worker", data_value("form.meta.username")),
        field("finished", data_value("form.meta.timeEnd")),
        field("temperature", lambda state: float(data_value("form.temperature")(state))),
    ),
)

each(
    medicines,
    post(
        "medicines",
        {
            "visit": lambda state: state["visit"],
            "name": data_value("name"),
            "tablets": lambda state: int(state["data"]["tablets"]),
        },
    ),
)
