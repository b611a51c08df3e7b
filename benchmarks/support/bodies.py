"""Bodies for the matching benchmark, in the shape and size that sources post."""

from __future__ import annotations

from typing import Any

CASE = "http://commcarehq.org/case/transaction/v2"


def kobo() -> dict[str, Any]:
    """Return a household survey of 1 KB as KoboToolbox posts it."""
    return {
        "_id": 889409,
        "_uuid": "19d72997-8316-4e02-8016-4a8ddf6a2aa4",
        "_xform_id_string": "household",
        "formhub/uuid": "6f5773a110b046cb97e3d71f6c04e7a6",
        "meta/instanceID": "uuid:19d72997-8316-4e02-8016-4a8ddf6a2aa4",
        "__version__": "vQ8nJ2RzVnRkYp3F7cXb2L",
        "start": "2026-04-22T06:31:02.114+03:00",
        "end": "2026-04-22T06:38:19.846+03:00",
        "visit/country": "KE",
        "visit/kind": "routine",
        "visit/language": "sw",
        "visit/consent": "yes",
        "visit/round": "3",
        "household/head": "Akinyi Otieno",
        "household/size": "5",
        "household/gps": "-0.0917 34.7679 1131.0 4.8",
        "household/members": [
            {"household/members/name": "Akinyi", "household/members/role": "head"},
            {"household/members/name": "Juma", "household/members/role": "child"},
        ],
        "_status": "submitted_via_web",
        "_submitted_by": None,
        "_submission_time": "2026-04-22T06:38:20",
        "_geolocation": [-0.0917, 34.7679],
        "_tags": [],
        "_notes": [],
        "_attachments": [],
        "_validation_status": {},
        "__query_params": {},
    }


def commcare(people: int = 13) -> dict[str, Any]:
    """Return a household visit as CommCare posts it: 20 KB with thirteen people."""
    app = "fc491785fa909e85fbdb63a9b346fa6c"
    form = "02e6b974-7b54-4fe1-bc54-7480be1be7b7"
    return {
        "app_id": app,
        "archived": False,
        "attachments": {"form.xml": {"content_type": "text/xml", "length": 17585, "url": "-"}},
        "build_id": "76107328149548fbaf2fe1759dbfbae7",
        "domain": "community-health",
        "edited_on": None,
        "form": {
            "#type": "data",
            "@name": "Household Visit",
            "@uiVersion": "1",
            "@version": "917",
            "@xmlns": "http://openrosa.org/formdesigner/158EB23A-DCFF-4680-90DA-A52D95628A8C",
            "Person": [_person(number) for number in range(people)],
            "case": _case("household", {"visits": "4", "last_visit": "2026-04-22"}),
            "meta": {
                "@xmlns": "http://openrosa.org/jr/xforms",
                "deviceID": "350000000000006",
                "instanceID": form,
                "timeEnd": "2026-04-22T09:17:31.547000Z",
                "timeStart": "2026-04-22T09:02:11.020000Z",
                "userID": "8f990510cdcc42e2b5e7286dff104255",
                "username": "test.moses",
            },
            "visit": {"country": "KE", "kind": "routine", "language": "sw", "consent": "yes"},
        },
        "id": form,
        "initial_processing_complete": True,
        "is_phone_submission": True,
        "metadata": {"app_build_version": 917, "drift": "0", "location": None, "username": "moses"},
        "received_on": "2026-04-22T09:17:33.001124Z",
        "type": "data",
        "uiversion": "1",
        "version": "917",
        "__query_params": {"app_id": app},
    }


def _person(number: int) -> dict[str, Any]:
    return {
        "Basic_Information": {
            "Contact_Info": {
                "contact_phone_number": f"2025550{number:04}",
                "contact_phone_number_is_verified": "1",
                "contact_phone_number_short": f"{number:04}",
            },
            "DOB": f"19{50 + number % 50}-01-01",
            "Education_Level": ["None", "Primary", "Secondary"][number % 3],
            "Gender": ["Male", "Female"][number % 2],
            "Name": f"Person {number}",
            "Record_Type": ["Male Adult", "Female Adult", "Child"][number % 3],
            "enrollment_status": "Enrolled",
            "age": str(3 * number),
            "birth_certificate": "no",
            "person_info": {
                "chronic_illness": "none",
                "cough_for_2wks": "no",
                "disability": "none",
                "known_hiv_status": "yes",
                "sleep_under_net": "yes",
            },
            "relation_to_hh": "household_head" if number == 0 else "member",
        },
        "Date": "2026-04-22",
        "Danger_Signs": {
            f"sign_{sign}": {"asked": "yes", "present": "no", "referred": ""} for sign in range(8)
        },
        "Source": "1",
        "case": _case(f"person-{number}", {"age": str(3 * number), "net": "yes"}),
        "item_index": str(number),
    }


def _case(name: str, update: dict[str, Any]) -> dict[str, Any]:
    return {
        "@case_id": f"d6afa18c-ea00-4a27-b5a6-44da0bf-{name}",
        "@date_modified": "2026-04-22T09:17:31.547000Z",
        "@user_id": "8f990510cdcc42e2b5e7286dff104255",
        "@xmlns": CASE,
        "create": {"case_name": name, "case_type": "person", "owner_id": "8f990510cdcc42e2b5e7"},
        "update": update,
    }
