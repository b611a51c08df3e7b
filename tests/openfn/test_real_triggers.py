"""A realistic trigger for each payload matches that payload and no other."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

from openfn.messages.bodies import parse_exact
from openfn.project import trigger_index
from openfn.project.triggers import MessageTrigger, with_query_params
from workbench.project.index_builder import build_index

PAYLOADS = Path(__file__).resolve().parents[1] / "cases/payloads"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def with_namespace(end):
    return {"form": {"@xmlns": f"http://openrosa.org/formdesigner/{end}"}}


# As an organization would write them: by form id, namespace, event type or question.
TRIGGERS = {
    "kobo_flat_groups": {"_xform_id_string": "aDemoHousehold01", "household/head": "Amina"},
    "kobo_geopoint": {"_xform_id_string": "aDemoWaterPoint02"},
    "kobo_nested_repeats": {"meals": [{"meals/foods": [{}]}], "_status": "submitted_via_web"},
    "kobo_query_params": {
        "_xform_id_string": "aDemoPrices04",
        "__query_params": {"study": "4", "country": "UG"},
        "market/stalls": [{}],
    },
    "kobo_attachments_wrapped": {"formType": "Roof Survey", "body": {"_attachments": [{}]}},
    "kobo_select_multiple_wrapped": {
        "formName": "Clinic Equipment",
        "body": {"_geolocation": [None]},
    },
    "kobo_large_form_wrapped": {"formType": "Household Income"},
    "kobo_unicode_groups": {"q1": "Ça va bien ?"},
    "commcare_form_create_case": with_namespace("DEMO-REGISTER-CHILD"),
    "commcare_form_close_case": {"form": {"@name": "Transfer Child"}, "type": "data"},
    "commcare_form_nulls": {"form": {"@name": "End Treatment", "case": {"close": None}}},
    "commcare_form_repeat_group_array": with_namespace("DEMO-HOUSEHOLD"),
    "commcare_form_subcase_location_object": {
        "form": {"subcase_0": {}, "@name": "Register Pregnancy"}
    },
    "commcare_case_with_parent_index": {"indices": {"parent": {"case_type": "member"}}},
    "commcare_location": {"doc_type": "Location", "location_type_code": "health-centre"},
    "odk_aggregate_record": {"content": "record", "formId": "demo_registration"},
    "odk_aggregate_repeats": {"formId": "demo_attendance_v2", "data": [{}]},
    "odk_central_submission_create": {"type": "submission.create"},
    "odk_central_submission_review": {
        "type": "submission.update",
        "data": {"reviewState": "hasIssues"},
    },
    "odk_central_entity_update": {"type": "entity.update.version"},
    "ona_rest_service": {"_xform_id_string": "demo_expenses", "_geolocation": [None]},
    "rapidpro_resthook": {"flow": {"name": "Birth Report"}, "channel": None},
    "telerivet_incoming_sms.form": {"event": "incoming_message", "message_type": "sms"},
    "mobile_money_payment": {"type": "Payment", "merchant": "6"},
    "dhis2_tracked_entities": {"trackedEntities": [{"trackedEntityType": "nEenWmSyUEp"}]},
    "dhis2_data_values": {"dataSet": "DemoSet0001", "dataValues": [{"value": "0"}]},
    "salesforce_outbound_message": {
        "Envelope": {
            "Body": {"notifications": {"OrganizationId": "00DDEMO00000001EAA", "Notification": {}}}
        }
    },
    "openrosa_submission": {"demo_visit": {"@id": "demo_visit"}},
    "example_event": {"number": 2, "string": "visit"},
}


def _posts():
    for path in sorted(PAYLOADS.iterdir()):
        body, headers = path.read_bytes(), {}
        if path.name.endswith(".form.json"):
            body, headers = urlencode(json.loads(body)).encode(), FORM
        yield path.name.rpartition(".")[0], with_query_params(parse_exact(body, headers), {})


def test_every_payload_has_a_trigger():
    assert sorted(TRIGGERS) == [name for name, _ in _posts()]


def test_trigger_of_each_payload_matches_only_that_payload():
    triggers = [MessageTrigger(name, None, (fragment,)) for name, fragment in TRIGGERS.items()]
    index = trigger_index.load(build_index(triggers))
    matches = {
        name: [triggers[position].name for position in index.matching("any", body)]
        for name, body in _posts()
    }
    assert matches == {name: [name] for name in TRIGGERS}


def test_trigger_that_excludes_a_payload_matches_all_others():
    triggers = [
        MessageTrigger(name, None, ({},), ({"absent": 1}, fragment))
        for name, fragment in TRIGGERS.items()
    ]
    index = trigger_index.load(build_index(triggers))
    for name, body in _posts():
        matching = {triggers[position].name for position in index.matching("any", body)}
        assert {trigger.name for trigger in triggers} - matching == {name}
