"""A realistic trigger for each kind of real post matches that kind and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from openfn import index
from openfn.bodies import parse_exact
from openfn.triggers import MessageTrigger, matchable
from workbench.indexer import prepare

PAYLOADS = Path(__file__).resolve().parents[2].parent / "shared/payloads"
FORM = {"content-type": "application/x-www-form-urlencoded"}
pytestmark = pytest.mark.skipif(
    not PAYLOADS.is_dir(), reason="the collection of real posts lies beside the project, not here"
)


def xmlns(end):
    return {"form": {"@xmlns": f"http://openrosa.org/formdesigner/{end}"}}


# What an organization would write to pick each: form ids, namespaces, event types, a question.
TRIGGERS = {
    "kobo_v1_flat_groups": {"_xform_id_string": "groups", "_userform_id": "taylordowns2000_groups"},
    "kobo_2020_geopoint_registration": {"_xform_id_string": "aGoUoxN83769Ep2xdsKBVJ"},
    "kobo_2020_nested_repeat_groups": {
        "info_consumption_history": [{}],
        "_status": "submitted_via_web",
    },
    "kobo_2020_rural_consumption_repeat": {
        "_xform_id_string": "aRZmhSaD8v9ABQfB9gcp8e",
        "__query_params": {"studyId": "1", "country": "COD"},
        "group_begin/group_food": [{}],
    },
    "kobo_2021_many_attachments_wrapped": {"formType": "Sharks And Rays", "body": {}},
    "kobo_2021_select_multiple_repeat_wrapped": {
        "formName": "Arcadia Data Collection Site Survey",
        "body": {"_geolocation": [None]},
    },
    "kobo_2021_urban_consumption_wrapped": {"formType": "Urban Consumption"},
    "kobo_hook_unicode_groups": {"q1": "¿Qué tal?"},
    "commcare_form_create_case": xmlns("158EB23A-DCFF-4680-90DA-A52D95628A8C"),
    "commcare_form_close_case": {"form": {"@name": "Update Person"}, "type": "data"},
    "commcare_form_nulls": {"form": {"@name": "Mark Patient Stopped Treatment"}},
    "commcare_form_repeat_group_array": xmlns("5BA8B924-B541-4E23-AEA9-B3A7F38EF67E"),
    "commcare_form_subcase_location_object": {
        "form": {"subcase_0": {}, "@name": "Enroll a Person"}
    },
    "commcare_case_with_parent_index": {"indices": {"parent": {"case_type": "Person"}}},
    "commcare_location": {"doc_type": "Location", "location_type_code": "hospital"},
    "odk_aggregate_z_alpha_record": {"content": "record", "formId": "registrion_form"},
    "odk_aggregate_repeats": {"formId": "Registration_Training_Attendance_v2", "data": [{}]},
    "odk_central_webhook_submission_create": {"type": "submission.create"},
    "odk_central_webhook_submission_review": {
        "type": "submission.update",
        "data": {"reviewState": "hasIssues"},
    },
    "odk_central_webhook_entity_update": {"type": "entity.update.version"},
    "ona_rest_service_expense": {"_xform_id_string": "exp", "_geolocation": [None]},
    "rapidpro_textit_resthook": {"flow": {"uuid": "bead76f5-dac4-4c9d-996c-c62b326e8c0a"}},
    "telerivet_incoming_sms.form": {"event": "incoming_message", "message_type": "sms"},
    "ussd_mobile_money_payment": {"type": "Payment", "Merchant_code": "6"},
    "dhis2_tracked_entities": {"trackedEntities": [{"trackedEntityType": "nEenWmSyUEp"}]},
    "salesforce_outbound_single": {
        "Envelope": {"Body": {"notifications": {"OrganizationId": "00Do00", "Notification": {}}}}
    },
    "openfn_fixture_open_rosa": {"event_cars_boats": {"@id": "Events_Boats_Cars"}},
    "openfn_fixture_valid_post_body": {"number": 2, "string": "here"},
    "openfn_fixture_unmatched_post_body": {"number": 5, "string": "here"},
    "openfn_fixture_flow_post_body": {"b": 2},
    "openfn_fixture_fail_post_body": {"premonition": "failure"},
}


def _posts():
    for path in sorted(PAYLOADS.iterdir()):
        if path.name == "index.json" or path.name.startswith("INVALID"):
            continue
        body, headers = path.read_bytes(), {}
        if path.name.endswith(".form.json"):
            body, headers = urlencode(json.loads(body)).encode(), FORM
        yield path.name.rpartition(".")[0], matchable(parse_exact(body, headers), {})


def test_each_kind_of_post_has_its_trigger_here():
    assert sorted(TRIGGERS) == [name for name, _ in _posts()]


def test_a_trigger_for_each_kind_of_post_matches_it_and_nothing_else():
    triggers = [MessageTrigger(name, None, fragment) for name, fragment in TRIGGERS.items()]
    prepared = index.load(prepare(triggers))
    found = {
        name: [triggers[each].name for each in prepared.matching("any", body)]
        for name, body in _posts()
    }
    assert found == {name: [name] for name in TRIGGERS}


def test_an_exclusion_keeps_each_out():
    triggers = [MessageTrigger(name, None, {}, ({"absent": 1}, f)) for name, f in TRIGGERS.items()]
    prepared = index.load(prepare(triggers))
    for name, body in _posts():
        kept_out = {each.name for each in triggers} - {
            triggers[each].name for each in prepared.matching("any", body)
        }
        assert kept_out == {name}
