"""The built-in destination responds as the system that a job expects."""

from __future__ import annotations

import pytest

from adaptors import commcare, dhis2, http, kobotoolbox, salesforce
from workbench.credentials import placeholders
from workbench.local.destination import run_destination

PERSON = {"trackedEntityType": "nEenWmSyUEp", "orgUnit": "DiszpKrYNg8"}
EVENT = {"program": "IpHINAT79UW", "orgUnit": "DiszpKrYNg8", "occurredAt": "2026-03-09"}
VALUE = {"dataElement": "f7n9E0hX8qk", "period": "202601", "orgUnit": "DiszpKrYNg8", "value": "1"}
CASE = {"case_type": "child", "case_name": "Amina", "owner_id": "o", "external_id": "7"}
OPERATIONS = {
    "http post": http.post("records", {"a": 1}),
    "dhis2 tracker": dhis2.tracker_import({"trackedEntities": [PERSON], "events": [EVENT]}),
    "dhis2 data values": dhis2.data_value_sets({"dataValues": [VALUE]}),
    "dhis2 create": dhis2.create("organisationUnits", {"name": "a", "shortName": "a"}),
    "dhis2 get": dhis2.get("organisationUnits"),
    "salesforce create": salesforce.create("Record__c", {"Name": "a"}),
    "salesforce upsert": salesforce.upsert("Record__c", "Ext__c", {"Ext__c": "7", "Name": "a"}),
    "salesforce query": salesforce.query("SELECT Id FROM Contact"),
    "commcare case": commcare.upsert_case("7", {"case_type": "child", "case_name": "Amina"}),
    "commcare cases": commcare.upsert_cases([CASE]),
    "commcare get": commcare.get_cases(),
    "kobotoolbox forms": kobotoolbox.get_forms(),
    "kobotoolbox submissions": kobotoolbox.get_submissions("a1"),
}


@pytest.fixture(scope="module")
def destination():
    with run_destination() as destination:
        yield destination


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_succeeds_with_a_placeholder_credential(destination, name):
    credential = placeholders.configuration(name.split()[0], destination.url)
    before = len(destination.received)
    state = {"configuration": credential, "data": {}, "references": []}
    after = OPERATIONS[name](state)
    assert len(destination.received) > before
    assert after["references"][-1] == {}


def test_import_summary_counts_what_was_sent(destination):
    credential = placeholders.configuration("dhis2", destination.url)
    after = OPERATIONS["dhis2 tracker"]({"configuration": credential, "data": {}})
    assert after["data"]["stats"]["created"] == 2
