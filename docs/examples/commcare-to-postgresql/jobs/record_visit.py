"""CommCare household visit → PostgreSQL: the household, the visit, and a row for each member.

All of it is one transaction. Every answer is text, which PostgreSQL reads as its column's type.
CommCare sends a repeat with one entry as an object and with more as a list.
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


# `as_` puts what an operation gives under a name of its own, so that `data` stays the form.
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
