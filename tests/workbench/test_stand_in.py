"""The built-in destinations respond as the systems that jobs expect, to every operation."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from adaptors import commcare, dhis2, http, kobotoolbox, odk, salesforce
from workbench.local.destination import run_destination
from workbench.local.stand_in import responses

PERSON = {"trackedEntityType": "nEenWmSyUEp", "orgUnit": "DiszpKrYNg8"}
EVENT = {"program": "IpHINAT79UW", "orgUnit": "DiszpKrYNg8", "occurredAt": "2026-03-09"}
VALUE = {"dataElement": "f7n9E0hX8qk", "period": "202601", "orgUnit": "DiszpKrYNg8", "value": "1"}
CASE = {"case_type": "child", "case_name": "Amina", "owner_id": "o", "external_id": "7"}
UID, ROW_ID = "DiszpKrYNg8", "0010000000000001AA"
RECORD = {"Ext__c": "7", "Name": "a"}
OPERATIONS = {
    "http request": http.request("POST", "records", json={"a": 1}),
    "http get": http.get("records"),
    "http post": http.post("records", {"a": 1}),
    "http put": http.put("records/1", {"a": 1}),
    "http patch": http.patch("records/1", {"a": 1}),
    "http delete": http.delete("records/1"),
    "dhis2 tracker_import": dhis2.tracker_import({"trackedEntities": [PERSON]}),
    "dhis2 tracker_export": dhis2.tracker_export("events", {"program": "IpHINAT79UW"}),
    "dhis2 data_value_sets": dhis2.data_value_sets({"dataValues": [VALUE]}),
    "dhis2 create": dhis2.create("organisationUnits", {"name": "a", "shortName": "a"}),
    "dhis2 create in the tracker": dhis2.create("events", EVENT),
    "dhis2 get": dhis2.get("organisationUnits"),
    "dhis2 get one": dhis2.get(f"organisationUnits/{UID}"),
    "dhis2 update": dhis2.update("organisationUnits", UID, {"name": "a"}),
    "dhis2 update in the tracker": dhis2.update("events", UID, EVENT),
    "dhis2 patch": dhis2.patch("organisationUnits", UID, {"name": "a"}),
    "dhis2 patch in the tracker": dhis2.patch("events", UID, {"status": "ACTIVE"}),
    "dhis2 upsert": dhis2.upsert("organisationUnits", {"filter": "code:eq:a"}, {"name": "a"}),
    "dhis2 destroy": dhis2.destroy("organisationUnits", UID),
    "dhis2 destroy in the tracker": dhis2.destroy("events", UID),
    "salesforce create": salesforce.create("Record__c", {"Name": "a"}),
    "salesforce create many": salesforce.create("Record__c", [{"Name": "a"}, {"Name": "b"}]),
    "salesforce create_if": salesforce.create_if(lambda _state: True, "Record__c", {"Name": "a"}),
    "salesforce update": salesforce.update("Record__c", {"Id": ROW_ID, "Name": "a"}),
    "salesforce upsert": salesforce.upsert("Record__c", "Ext__c", RECORD),
    "salesforce upsert many": salesforce.upsert("Record__c", "Ext__c", [RECORD]),
    "salesforce upsert_if": salesforce.upsert_if(
        lambda _state: True, "Record__c", "Ext__c", RECORD
    ),
    "salesforce destroy": salesforce.destroy("Record__c", [ROW_ID]),
    "salesforce query": salesforce.query("SELECT Id FROM Contact"),
    "salesforce describe": salesforce.describe("Contact"),
    "salesforce retrieve": salesforce.retrieve("Contact", ROW_ID),
    "salesforce request": salesforce.request("/services/data/v59.0/limits"),
    "salesforce bulk": salesforce.bulk("Record__c", "insert", [{"Name": "a"}], poll=0),
    "commcare submit": commcare.submit({"@xmlns": "http://openrosa.org/x", "name": "Amina"}),
    "commcare submit_xml": commcare.submit_xml("<data><name>Amina</name></data>"),
    "commcare upsert_case": commcare.upsert_case("7", {"case_type": "child", "case_name": "A"}),
    "commcare upsert_cases": commcare.upsert_cases([CASE]),
    "commcare get_cases": commcare.get_cases(),
    "commcare get": commcare.get("form"),
    "commcare get one": commcare.get("case/7"),
    "commcare get_report": commcare.get_report("r1"),
    "commcare post": commcare.post("user", {"username": "a"}),
    "commcare bulk_cases": commcare.bulk_cases([{"case_id": "7"}], case_type="child", pause=0),
    "kobotoolbox get_forms": kobotoolbox.get_forms(),
    "kobotoolbox get_submissions": kobotoolbox.get_submissions("a1"),
    "kobotoolbox get_new_submissions": kobotoolbox.get_new_submissions("a1"),
    "kobotoolbox get_deployment_info": kobotoolbox.get_deployment_info("a1"),
    "kobotoolbox get": kobotoolbox.get("assets"),
    "kobotoolbox post": kobotoolbox.post("assets", {"name": "a"}),
    "kobotoolbox put": kobotoolbox.put("assets/a1", {"name": "a"}),
    "kobotoolbox patch": kobotoolbox.patch("assets/a1", {"name": "a"}),
    "kobotoolbox delete": kobotoolbox.delete("assets/a1"),
    "kobotoolbox update_submissions": kobotoolbox.update_submissions("a1", [7], {"a": "b"}),
    "odk create_submission": odk.create_submission(22, "visit", {"name": "Amina"}),
    "odk get_submissions": odk.get_submissions(22, "visit"),
    "odk get_new_submissions": odk.get_new_submissions(22, "visit"),
    "odk get_submission": odk.get_submission(22, "visit", "uuid:7"),
    "odk get_submission_xml": odk.get_submission_xml(22, "visit", "uuid:7"),
    "odk get_forms": odk.get_forms(22),
    "odk get": odk.get("projects"),
    "odk post": odk.post("projects", {"name": "a"}),
    "odk put": odk.put("projects/22", {"name": "a"}),
    "odk patch": odk.patch("projects/22", {"name": "a"}),
    "odk delete": odk.delete("projects/22"),
    "odk aggregate_submit": odk.aggregate_submit("visit", {"name": "Amina"}),
    "odk aggregate_submission": odk.aggregate_submission("visit", "uuid:7"),
    "odk aggregate_submission_ids": odk.aggregate_submission_ids("visit"),
    "odk aggregate_new_submissions": odk.aggregate_new_submissions("visit"),
}
HELPERS = {"Configuration", "Page", "attr", "dv", "find_attribute_value", "relationship", "uid"}


@pytest.fixture(scope="module")
def destinations():
    with ExitStack() as context:
        yield {
            adaptor: context.enter_context(run_destination(adaptor=adaptor))
            for adaptor in {name.split()[0] for name in OPERATIONS}
        }


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_succeeds_with_the_credential_of_its_stand_in(destinations, name):
    adaptor = name.split()[0]
    destination = destinations[adaptor]
    credential = responses.credential(adaptor, destination.url)
    before = len(destination.received)
    state = {"configuration": credential, "data": {}, "references": []}
    after = OPERATIONS[name](state)
    assert len(destination.received) > before
    assert after["references"][-1] == {}


@pytest.mark.parametrize("adaptor", [commcare, dhis2, http, kobotoolbox, odk, salesforce])
def test_no_operation_is_forgotten(adaptor):
    system = adaptor.__name__.rpartition(".")[2]
    tested = {name.split()[1] for name in OPERATIONS if name.startswith(f"{system} ")}
    pages = {name for name in adaptor.__all__ if name.startswith(("by_", "each_"))}
    assert set(adaptor.__all__) - HELPERS - pages == tested


def test_import_summary_counts_what_was_sent(destinations):
    credential = responses.credential("dhis2", destinations["dhis2"].url)
    operate = dhis2.tracker_import({"trackedEntities": [PERSON], "events": [EVENT]})
    after = operate({"configuration": credential, "data": {}})
    assert after["data"]["stats"]["created"] == 2
