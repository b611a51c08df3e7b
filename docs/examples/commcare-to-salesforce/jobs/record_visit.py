"""CommCare home visit → Salesforce: the household, its visit and each member, by external ids.

An upsert by external id makes nothing twice. So a run may be tried again where Salesforce has a
record locked (`UNABLE_TO_LOCK_ROW`), and the runner does so by itself.
"""

from adaptors.common import as_, data_value, field, fields, human_proper, to_array
from adaptors.salesforce import relationship, upsert

ID = "CommCare_ID__c"
household = data_value("form.case.@case_id")


def members(state):
    return [
        fields(
            field(ID, member["case"]["@case_id"]),
            field("Name", member["name"]),
            field("Birthdate__c", member["born"] or None),
            relationship("Household__r", ID, household(state)),
        )
        for member in to_array(data_value("form.member")(state))
    ]


# `as_` puts what an operation gives under a name of its own, so that `data` stays the form.
as_(
    "household",
    upsert(
        "Household__c",
        ID,
        fields(
            field(ID, household),
            field("Name", human_proper(data_value("form.household_name"))),
            relationship("Area__r", "Area_Code__c", data_value("form.area_code")),
        ),
    ),
)
as_(
    "visit",
    upsert(
        "Visit__c",
        ID,
        fields(
            field(ID, data_value("id")),
            field("Date__c", data_value("form.visit_date")),
            relationship("Household__r", ID, household),
        ),
    ),
)
as_("members", upsert("Person__c", ID, members))
