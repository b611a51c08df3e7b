"""ODK Aggregate child registration → one record for each child in the registry.

Aggregate puts the submission into a list with one entry. Its own fields have names such as
`*meta-…*`. The answer to a question with one choice is a list too.
"""

from adaptors.common import data_value, each
from adaptors.http import post


def first_choice(path):
    """Return a function for the only choice of a select-one question."""
    return lambda state: (data_value(path)(state) or [None])[0]


def location(state):
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
            "place": location,
        },
    ),
)
