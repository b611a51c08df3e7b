"""CommCare household visit → PostgreSQL: the household, the visit and one row for each member.

All statements are one transaction. Every answer is text: PostgreSQL converts it to the type of the
column. CommCare sends a repeat with one entry as an object, and with more entries as a list.
"""

from adaptors.common import as_, data_value, to_array
from adaptors.postgresql import upsert, upsert_many

household = data_value("form.case.@case_id")


def members(state):
    return [
        {
            "id": member["case"]["@case_id"],
            "household": household(state),
            "name": member["name"],
            "born": member["born"],
            "sleeps_under_net": member["net"],
        }
        for member in to_array(data_value("form.member")(state))
    ]


# `as_` stores the result under its own key. So `data` is still the form for the next operation.
as_(
    "household",
    upsert("household", "id", {"id": household, "village": data_value("form.village")}),
)
as_(
    "visit",
    upsert(
        "visit",
        "id",
        {
            "id": data_value("id"),
            "household": household,
            "worker": data_value("form.meta.username"),
            "finished": data_value("form.meta.timeEnd"),
            "form": data_value("form"),
        },
    ),
)
as_("members", upsert_many("member", "id", members, set_null=""))
