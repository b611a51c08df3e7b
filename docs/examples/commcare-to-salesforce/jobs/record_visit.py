"""CommCare home visit → Salesforce: the household, its visit and each member, by external ids.

An upsert by external id never creates a record twice. So the runner can try again when Salesforce
has locked a record (`UNABLE_TO_LOCK_ROW`), and it does this automatically.
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


# `as_` stores the result under its own key. So `data` is still the form for the next operation.
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
