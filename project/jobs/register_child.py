"""ODK Aggregate child registration → one record per child in the registry.

Aggregate wraps the submission in a list of one, names its own fields `*meta-…*`, and sends even a
question with one choice as a list.
"""

from adaptors.common import data_value, each
from adaptors.http import post


def first_choice(path):
    """Give the one choice of a select-one question."""
    return lambda state: (data_value(path)(state) or [None])[0]


def place(state):
    child = state["data"]
    return {"lat": child.get("location:Latitude"), "lon": child.get("location:Longitude")}


each(
    "data",
    post(
        "children",
        {
            "instance": data_value("*meta-instance-id*"),
            "name": data_value("child_name"),
            "sex": first_choice("sex"),
            "weight_kg": data_value("weight"),
            "place": place,
        },
    ),
)
