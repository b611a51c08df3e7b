"""Import into the tracker and export from it, against a fake DHIS2."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from adaptors._runtime.dry_run import dry_run
from adaptors._runtime.run_context import run_context
from adaptors.common import data_value, each
from adaptors.dhis2 import (
    attr,
    create,
    data_value_sets,
    destroy,
    dv,
    find_attribute_value,
    patch,
    tracker_export,
    tracker_import,
    uid,
    update,
    upsert,
)
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from openfn.errors import JobError
from openfn.jobs import expression
from tests.adaptors.dhis2_server import (
    FACILITY,
    FORBIDDEN,
    MEASLES,
    NAME,
    NATIONAL_ID,
    PERSON,
    PROGRAM,
    STAGE,
    application,
)
from tests.support.errors import error_of
from tests.support.wsgi_server import truncated

PAYLOADS = Path(__file__).resolve().parents[1] / "cases/payloads"
VERSIONS = [37, 38, 40, 41, 42, 43]


def person(number=1, name="Amina", **fields):
    return {
        "trackedEntity": f"Person{number:05d}",
        "trackedEntityType": PERSON,
        "orgUnit": FACILITY,
        "attributes": [attr(NAME, name)],
        **fields,
    }


def visit(number=1, **fields):
    return {
        "event": f"Visit{number:06d}",
        "program": PROGRAM,
        "programStage": STAGE,
        "orgUnit": FACILITY,
        "occurredAt": "2026-03-09",
        **fields,
    }


def sibling(from_number, to_number, number=1):
    sides = {
        side: {"trackedEntity": {"trackedEntity": f"Person{person_number:05d}"}}
        for side, person_number in (("from", from_number), ("to", to_number))
    }
    return {"relationship": f"Sibling{number:04d}", "relationshipType": "dDrh5UyCyvQ", **sides}


def sizes(dhis2):
    return [
        {resource: len(objects) for resource, objects in request.get_json().items()}
        for request in dhis2.served.received
    ]


# Import


@pytest.mark.parametrize("version", VERSIONS)
def test_imported_objects_are_stored_and_the_report_becomes_data(dhis2, version):
    dhis2.reset(version)
    enrollment = {"enrollment": "Enrolment01", "program": PROGRAM, "events": [visit()]}
    payload = {"trackedEntities": [person(enrollments=[enrollment])]}
    after = tracker_import(payload)(dhis2.state({"_uuid": "19d7"}))
    assert dhis2.database.tracker["trackedEntities"]["Person00001"]["attributes"] == [
        attr(NAME, "Amina")
    ]
    assert dhis2.database.tracker["events"]["Visit000001"]["enrollment"] == "Enrolment01"
    assert after["data"]["status"] == "OK"
    assert after["data"]["stats"]["created"] == 3
    assert after["references"] == [{"_uuid": "19d7"}]


def test_documented_payload_is_imported(dhis2):
    payload = json.loads((PAYLOADS / "dhis2_tracked_entities.json").read_text("utf-8"))
    tracker_import(payload)(dhis2.state())
    stored = dhis2.database.tracker["trackedEntities"]["DemoPerson1"]
    assert find_attribute_value(stored, NAME) == "Amina"


@pytest.mark.parametrize(
    ("configuration", "path"),
    [({}, "/api/tracker"), ({"apiVersion": 38}, "/api/38/tracker")],
    ids=["newest", "38"],
)
def test_import_is_synchronous_and_uses_the_strategy(dhis2, configuration, path):
    tracker_import({"events": [visit()]}, "CREATE", atomic_mode="OBJECT")(
        dhis2.state(**configuration)
    )
    assert (dhis2.only.method, dhis2.only.path) == ("POST", path)
    assert dhis2.only.args.to_dict() == {
        "async": "false",
        "importStrategy": "CREATE",
        "atomicMode": "OBJECT",
        "reportMode": "WARNINGS",
    }


def test_query_parameters_are_sent(dhis2):
    query = {"skipRuleEngine": True, "orgUnitIdScheme": "CODE", "reportMode": "FULL"}
    tracker_import({"events": [visit()]}, query=query)(dhis2.state())
    assert dhis2.only.args["skipRuleEngine"] == "true"
    assert dhis2.only.args["orgUnitIdScheme"] == "CODE"
    assert dhis2.only.args["reportMode"] == "FULL"


def test_default_strategy_creates_and_updates(dhis2):
    tracker_import({"trackedEntities": [person(1, "Amina")]})(dhis2.state())
    payload = {"trackedEntities": [person(1, "Amina S."), person(2, "Kofi")]}
    after = tracker_import(payload)(dhis2.state())
    names = [
        find_attribute_value(entity, NAME)
        for entity in dhis2.database.tracker["trackedEntities"].values()
    ]
    assert names == ["Amina S.", "Kofi"]
    assert (after["data"]["stats"]["created"], after["data"]["stats"]["updated"]) == (1, 1)


def test_none_deletes_an_attribute_and_missing_attributes_are_kept(dhis2):
    both = [attr(NAME, "Amina"), attr(NATIONAL_ID, "N-1")]
    tracker_import({"trackedEntities": [person(attributes=both)]})(dhis2.state())
    tracker_import({"trackedEntities": [person(attributes=[attr(NAME, None)])]})(dhis2.state())
    stored = dhis2.database.tracker["trackedEntities"]["Person00001"]
    assert stored["attributes"] == [attr(NATIONAL_ID, "N-1")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("payload", "code", "name"),
    [
        ({"trackedEntities": [person()]}, "E1002", "trackedEntity Person00001"),
        ({"enrollments": [{"enrollment": "Enrolment01"}]}, "E1080", "enrollment Enrolment01"),
        ({"events": [visit()]}, "E1030", "event Visit000001"),
        ({"relationships": [sibling(1, 2)]}, "E4015", "relationship Sibling0001"),
    ],
    ids=["trackedEntities", "enrollments", "events", "relationships"],
)
def test_create_refuses_existing_objects(dhis2, version, payload, code, name):
    dhis2.reset(version)
    for kind, objects in payload.items():
        dhis2.database.tracker[kind] = {name.split()[1]: objects[0]}
    error = error_of(tracker_import(payload, "CREATE"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert f"answered 409 Conflict: 1 of 1 ignored: {code} (it already exists) at {name}." in (
        str(error).replace("CONFLICT", "Conflict")
    )


@pytest.mark.parametrize("strategy", ["UPDATE", "DELETE"])
@pytest.mark.parametrize(
    ("payload", "code"),
    [({"trackedEntities": [person()]}, "E1063"), ({"events": [visit()]}, "E1032")],
    ids=["trackedEntities", "events"],
)
def test_update_and_delete_refuse_missing_objects(dhis2, strategy, payload, code):
    error = error_of(tracker_import(payload, strategy), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert f"{code} (it does not exist, or the user cannot see it)" in str(error)


def test_deleted_object_cannot_be_imported_again(dhis2):
    tracker_import({"events": [visit()]})(dhis2.state())
    tracker_import({"events": [{"event": "Visit000001"}]}, "DELETE")(dhis2.state())
    assert dhis2.database.tracker["events"] == {}
    error = error_of(tracker_import({"events": [visit()]}), dhis2.state())
    assert "E1082 (it was deleted, and its uid cannot be used again) at event Visit000001" in str(
        error
    )


def test_every_conflict_is_named_and_no_value_is_quoted(dhis2, capsys):
    tracker_import({"trackedEntities": [person(1, attributes=[attr(NATIONAL_ID, "Christopher")])]})(
        dhis2.state()
    )
    payload = {
        "trackedEntities": [
            person(2, attributes=[attr(NATIONAL_ID, "Christopher")]),
            person(3, attributes=[attr("Abc4efghijk", "Kofi Mensah")]),
            person(4, orgUnit=FORBIDDEN),
            person(5),
        ]
    }
    error = error_of(tracker_import(payload), dhis2.state())
    unique = "the value must be unique and is taken"
    assert "4 of 4 ignored: " in str(error)
    forbidden = f"trackedEntity Person00004, xE7jOejl9FI, {FORBIDDEN}"
    conflicts = str(error).split(" ignored: ")[1].split(". The run's log")[0].split("; ")
    for conflict in (
        f"E1064 ({unique}) at trackedEntity Person00002, {NATIONAL_ID}",
        "E1006 at trackedEntity Person00003, Abc4efghijk",
        f"E1000 (the user has no permission) at {forbidden}",
    ):
        assert conflict in conflicts
    assert "Christopher" not in str(error)
    assert "Kofi" not in str(error)
    assert "DHIS2 says: E1064 Non-unique attribute value `Christopher`" in capsys.readouterr().out
    assert list(dhis2.database.tracker["trackedEntities"]) == ["Person00001"]
    assert str(error).startswith(f"POST {dhis2.served.url}/api/tracker answered 409 CONFLICT: 4 ")


def test_atomic_mode_object_imports_valid_objects_and_names_the_others(dhis2):
    payload = {"trackedEntities": [person(1), person(2, trackedEntityType="Nobody00000")]}
    error = error_of(tracker_import(payload, atomic_mode="OBJECT"), dhis2.state())
    assert "1 of 2 ignored (the others were imported): E1005 at trackedEntity Person00002" in str(
        error
    )
    assert list(dhis2.database.tracker["trackedEntities"]) == ["Person00001"]


def test_error_names_at_most_twenty_conflicts(dhis2):
    payload = {"events": [visit(n, occurredAt=None) for n in range(50)]}
    error = error_of(tracker_import(payload), dhis2.state())
    assert str(error).count("E1031 (occurredAt is missing)") == 20
    assert "; and 30 more. The run's log has DHIS2's own messages." in str(error)


def test_warning_is_logged_and_not_a_failure(dhis2, capsys):
    payload = {
        "trackedEntities": [person(1), person(2)],
        "relationships": [sibling(1, 2)],
    }
    tracker_import(payload)(dhis2.state())
    after = tracker_import(payload)(dhis2.state())
    assert after["data"]["status"] == "WARNING"
    assert after["data"]["stats"]["ignored"] == 1
    assert "DHIS2 warns: E4015 Relationship: `Sibling0001`" in capsys.readouterr().out
    assert len(dhis2.database.tracker["relationships"]) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_repeated_import_changes_nothing(dhis2, version):
    dhis2.reset(version)
    enrollment = {"enrollment": uid("e", "19d7"), "program": PROGRAM, "events": [visit()]}
    operate = tracker_import(
        {
            "trackedEntities": [person(1, enrollments=[enrollment]), person(2)],
            "relationships": [sibling(1, 2)],
        }
    )
    operate(dhis2.state())
    before = json.dumps(dhis2.database.everything())
    operate(dhis2.state())
    assert json.dumps(dhis2.database.everything()) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            {"payload": [person()]},
            "The tracker's payload is a dict of trackedEntities, enrollments",
        ),
        ({"payload": None}, "The tracker's payload is a dict of"),
        ({"payload": {"trackedEntityInstances": []}}, "The tracker's payload is a dict of"),
        ({"payload": {"events": ["Visit000001"]}}, "events of the tracker are dicts, and one is"),
        ({"payload": {"events": [visit(eventDate="2026-01-01")]}}, "Rename it to occurredAt"),
        (
            {"payload": {"events": [visit(trackedEntityInstance="Person00001")]}},
            "An object of events has trackedEntityInstance, which the tracker does not read",
        ),
        (
            {"payload": {"trackedEntities": [person(enrollments=[{"incidentDate": "x"}])]}},
            "An object of enrollments has incidentDate",
        ),
        ({"strategy": "MERGE"}, "The strategy is one of CREATE, UPDATE, CREATE_AND_UPDATE, DELETE"),
        ({"atomic_mode": "NONE"}, "atomic_mode is ALL"),
        ({"chunk": 0}, "chunk is the number of objects"),
        ({"query": {"async": True}}, "Remove async from the query"),
        ({"query": {"async": "TRUE"}}, "Remove async from the query"),
        ({"query": {"importStrategy": "DELETE"}}, "Write tracker_import(…, strategy=…"),
        ({"query": "async=true"}, "A query is a dict, not str"),
    ],
    ids=str,
)
def test_invalid_import_is_a_configuration_error(dhis2, arguments, reason):
    payload = {"events": [visit()]}
    error = error_of(tracker_import(**{"payload": payload, **arguments}), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert reason in str(error)
    assert dhis2.served.received == []


def test_single_object_is_accepted_as_a_list(dhis2):
    tracker_import({"events": visit()})(dhis2.state())
    assert list(dhis2.database.tracker["events"]) == ["Visit000001"]


def test_empty_payload_sends_nothing(dhis2):
    after = tracker_import({"events": []})(dhis2.state())
    assert dhis2.served.received == []
    assert after["data"]["stats"]["total"] == 0


def test_number_of_objects_without_a_uid_is_logged(dhis2, capsys):
    without_uid = {key: value for key, value in visit().items() if key != "event"}
    tracker_import({"events": [without_uid, visit()]})(dhis2.state())
    assert "1 of 2 objects have no uid." in capsys.readouterr().out
    tracker_import({"events": [visit()]})(dhis2.state())
    assert capsys.readouterr().out == ""
    error_of(tracker_import({"events": [without_uid]}, "UPDATE"), dhis2.state())
    assert "have no uid" not in capsys.readouterr().out


# Chunks


def test_chunks_are_sent_and_their_reports_merged(dhis2):
    after = tracker_import({"events": [visit(n) for n in range(450)]})(dhis2.state())
    assert sizes(dhis2) == [{"events": 200}, {"events": 200}, {"events": 50}]
    assert len(dhis2.database.tracker["events"]) == 450
    assert after["data"]["status"] == "OK"
    assert after["data"]["stats"] == {
        "created": 450,
        "updated": 0,
        "deleted": 0,
        "ignored": 0,
        "total": 450,
    }
    reported = after["data"]["bundleReport"]["typeReportMap"]["EVENT"]
    assert reported["stats"]["created"] == 450
    assert reported["objectReports"][-1]["uid"] == "Visit000449"


def test_nested_objects_count_towards_the_chunk_size(dhis2):
    people = [person(n, enrollments=[{"program": PROGRAM}]) for n in range(3)]
    tracker_import({"trackedEntities": people}, chunk=4)(dhis2.state())
    assert sizes(dhis2) == [{"trackedEntities": 2}, {"trackedEntities": 1}]


def test_objects_that_refer_to_each_other_are_in_one_chunk(dhis2):
    payload = {
        "trackedEntities": [person(n) for n in range(6)],
        "enrollments": [
            {"enrollment": "Enrolment05", "trackedEntity": "Person00005", "program": PROGRAM}
        ],
        "events": [visit(1, enrollment="Enrolment05"), visit(2)],
        "relationships": [sibling(0, 5)],
    }
    tracker_import(payload, chunk=5)(dhis2.state())
    chunks = [request.get_json() for request in dhis2.served.received]
    entities = [
        [entity["trackedEntity"] for entity in chunk["trackedEntities"]] for chunk in chunks
    ]
    assert entities == [
        ["Person00000", "Person00005"],
        ["Person00001", "Person00002", "Person00003", "Person00004"],
    ]
    assert [list(chunk) for chunk in chunks] == [
        ["trackedEntities", "enrollments", "events", "relationships"],
        ["trackedEntities", "events"],
    ]


@pytest.mark.parametrize(
    "payload",
    [
        {
            "trackedEntities": [
                person(1, enrollments=[{"enrollment": "Enrolment01", "program": PROGRAM}]),
                person(2),
            ],
            "events": [visit(1, enrollment="Enrolment01")],
        },
        {
            "trackedEntities": [
                person(1),
                person(2),
                person(3, enrollments=[{"program": PROGRAM, "relationships": [sibling(3, 1)]}]),
            ],
        },
    ],
    ids=["refers to a nested object", "has a nested reference"],
)
def test_references_of_nested_objects_keep_a_chunk_together(dhis2, payload):
    tracker_import(payload, chunk=3)(dhis2.state())
    first, second = (request.get_json() for request in dhis2.served.received)
    assert [entity["trackedEntity"] for entity in second["trackedEntities"]] == ["Person00002"]
    assert len(list(first)) + len(first["trackedEntities"]) == 3


def test_group_larger_than_a_chunk_is_sent_at_once(dhis2):
    enrollment = {"enrollment": "Enrolment01", "program": PROGRAM, "trackedEntity": "Person00001"}
    events = [visit(n, enrollment="Enrolment01") for n in range(5)]
    payload = {"trackedEntities": [person(1)], "enrollments": [enrollment], "events": events}
    tracker_import(payload, chunk=3)(dhis2.state())
    assert sizes(dhis2) == [{"trackedEntities": 1, "enrollments": 1, "events": 5}]


def test_references_to_objects_outside_the_payload_are_ignored(dhis2):
    tracker_import({"enrollments": []})(dhis2.state())
    dhis2.database.tracker["enrollments"]["Enrolment01"] = {}
    events = [visit(n, enrollment="Enrolment01") for n in range(4)]
    tracker_import({"events": events}, chunk=2)(dhis2.state())
    assert sizes(dhis2) == [{"events": 2}, {"events": 2}]


def test_refused_chunk_error_says_what_was_imported(dhis2):
    events = [visit(1), visit(2), visit(3, occurredAt=None), visit(4), visit(5)]
    error = error_of(tracker_import({"events": events}, chunk=2), dhis2.state())
    assert str(error).startswith("Chunk 2 of 3: POST ")
    assert str(error).endswith(" The 2 objects of earlier chunks were imported.")
    assert list(dhis2.database.tracker["events"]) == ["Visit000001", "Visit000002"]
    assert len(dhis2.served.received) == 2


def test_report_has_the_warnings_of_all_chunks(dhis2):
    people = [person(n) for n in range(4)]
    payload = {"trackedEntities": people, "relationships": [sibling(0, 1, 1), sibling(2, 3, 2)]}
    tracker_import(payload, chunk=3)(dhis2.state())
    report = tracker_import(payload, chunk=3)(dhis2.state())["data"]
    assert report["status"] == "WARNING"
    warnings = report["validationReport"]["warningReports"]
    assert [warning["uid"] for warning in warnings] == ["Sibling0001", "Sibling0002"]
    assert (report["stats"]["updated"], report["stats"]["ignored"]) == (4, 2)


# A lost response


def lose_response(site):
    """Process the next request, and truncate its response."""

    def respond(request):
        Response.from_app(application(site.database), request.environ)
        return truncated(request)

    site.served.failures.append(respond)


JOB = """
from adaptors.common import data_value
from adaptors.dhis2 import attr, tracker_import, uid

tracker_import({"trackedEntities": [{
    "trackedEntity": uid(data_value("_uuid"), "child"),
    "trackedEntityType": "nEenWmSyUEp",
    "orgUnit": "DiszpKrYNg8",
    "attributes": [attr("w75KJ2mc4zz", data_value("group1/name"))],
}]})
"""


def test_retry_after_a_lost_response_stores_one_entity(dhis2, tmp_path):
    job = tmp_path / "register.py"
    job.write_text(JOB)
    lose_response(dhis2)
    state = dhis2.state({"_uuid": "19d72997", "group1/name": "Amina"})
    with run_context("run-1", datetime.now(UTC)):
        with pytest.raises(JobError) as caught:
            expression.execute(expression.load(job), state, job)
        assert caught.value.verdict == "remote-for-now"
        assert len(dhis2.database.tracker["trackedEntities"]) == 1
        after = expression.execute(expression.load(job), state, job)
    assert after["data"]["stats"]["updated"] == 1
    assert list(dhis2.database.tracker["trackedEntities"]) == [uid("19d72997", "child")({})]
    assert len(dhis2.served.received) == 2


def test_retry_without_a_uid_stores_two_entities(dhis2):
    without_uid = {key: value for key, value in person().items() if key != "trackedEntity"}
    operate = tracker_import({"trackedEntities": [without_uid]})
    lose_response(dhis2)
    assert isinstance(error_of(operate, dhis2.state()), RemoteUnavailable)
    operate(dhis2.state())
    assert len(dhis2.database.tracker["trackedEntities"]) == 2


# Export


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("number", [0, 1, 199, 200, 201, 450])
def test_export_fetches_all_pages_in_every_version(dhis2, version, number):
    dhis2.reset(version)
    dhis2.database.tracker["events"] = {f"Visit{n:06d}": visit(n) for n in range(number)}
    after = tracker_export("events", {"program": PROGRAM})(dhis2.state({"a": 1}))
    assert [event["event"] for event in after["data"]["events"]] == [
        f"Visit{n:06d}" for n in reversed(range(number))
    ]
    assert list(after["data"]) == ["events"]
    assert after["references"] == [{"a": 1}]
    assert len(dhis2.served.received) == number // 200 + 1
    assert {request.args["program"] for request in dhis2.served.received} == {PROGRAM}


def test_export_filters_by_the_query(dhis2):
    dhis2.database.tracker["events"] = {"A": visit(1), "B": visit(2, program="Other000000")}
    after = tracker_export("events", {"program": PROGRAM}, page_size=1)(dhis2.state())
    assert [event["event"] for event in after["data"]["events"]] == ["Visit000001"]
    assert [request.args["pageSize"] for request in dhis2.served.received] == ["1", "1"]


@pytest.mark.parametrize("pager", [{"pager": {"pageSize": 2}}, {"pageSize": 2}])
def test_export_fetches_all_pages_of_a_server_with_a_smaller_page_size(dhis2, pager):
    for numbers in ([1, 2], [3]):
        dhis2.respond_with({**pager, "events": [visit(n) for n in numbers]})
    after = tracker_export("events")(dhis2.state())
    assert len(after["data"]["events"]) == 3


def test_export_fetches_one_object_by_uid(dhis2):
    dhis2.database.tracker["events"]["Visit000001"] = visit()
    after = tracker_export("events/Visit000001", {"fields": "*"})(dhis2.state())
    assert after["data"]["occurredAt"] == "2026-03-09"
    assert dhis2.requested == ["GET /api/tracker/events/Visit000001"]


def test_each_iterates_over_an_export(dhis2):
    dhis2.database.tracker["trackedEntities"] = {"A": person(1, "Amina"), "B": person(2, "Kofi")}
    state = tracker_export("trackedEntities")(dhis2.state())
    update_all = each("trackedEntities[*]", upsert("trackedEntities", None, lambda s: s["data"]))
    update_all(state)
    assert len(dhis2.database.tracker["trackedEntities"]) == 4


def test_repeated_page_is_refused(dhis2):
    for _ in range(2):
        dhis2.respond_with({"events": [visit()]})
    error = error_of(tracker_export("events", page_size=1), dhis2.state())
    assert str(error) == "DHIS2 sent the same page of events twice."


def test_equal_pages_without_uids_are_different_pages(dhis2):
    for rows in ([{"orgUnit": FACILITY}], [{"orgUnit": FACILITY}], []):
        dhis2.respond_with({"events": rows})
    after = tracker_export("events", {"fields": "orgUnit"}, page_size=1)(dhis2.state())
    assert len(after["data"]["events"]) == 2


def test_export_refuses_a_response_without_a_list(dhis2):
    dhis2.respond_with({"something": []})
    error = error_of(tracker_export("events"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "no list of events" in str(error)


@pytest.mark.parametrize(
    ("operate", "reason"),
    [
        (tracker_export("programs"), "The tracker exports trackedEntities, enrollments, events"),
        (tracker_export("events", {"page": 2}), "tracker_export fetches all pages"),
        (tracker_export("events", {"paging": False}), "tracker_export fetches all pages"),
    ],
)
def test_invalid_export_is_a_configuration_error(dhis2, operate, reason):
    error = error_of(operate, dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert reason in str(error)
    assert dhis2.served.received == []


# create, update, patch, upsert, destroy


@pytest.mark.parametrize(
    "data",
    [visit(), [visit()], {"events": [visit()]}],
    ids=["one object", "a list", "a payload"],
)
def test_create_wraps_its_data_once(dhis2, data):
    create("events", data)(dhis2.state())
    assert dhis2.only.get_json() == {"events": [visit()]}
    assert dhis2.only.args["importStrategy"] == "CREATE"
    assert list(dhis2.database.tracker["events"]) == ["Visit000001"]


@pytest.mark.parametrize("kind", ["trackedEntities", "enrollments", "events", "relationships"])
@pytest.mark.parametrize("version", VERSIONS)
def test_tracker_resources_are_imported_by_the_tracker_in_every_version(dhis2, version, kind):
    dhis2.reset(version)
    with pytest.raises(RemoteRefused, match="E1048"):
        create(kind, {TYPE_UIDS[kind]: "1"})(dhis2.state())
    assert dhis2.requested == ["POST /api/tracker"]


TYPE_UIDS = {
    "trackedEntities": "trackedEntity",
    "enrollments": "enrollment",
    "events": "event",
    "relationships": "relationship",
}


def test_functions_of_the_state_are_resolved_in_nested_data(dhis2):
    data = {"_uuid": "19d7", "measles": "12"}
    event = visit(event=uid(data_value("_uuid")), dataValues=[dv(MEASLES, data_value("measles"))])
    create("events", event)(dhis2.state(data))
    stored = dhis2.database.tracker["events"][uid("19d7")({})]
    assert stored["dataValues"] == [{"dataElement": MEASLES, "value": "12"}]


def test_update_replaces_the_object_with_the_uid(dhis2):
    dhis2.database.tracker["events"]["Visit000001"] = visit(
        status="ACTIVE", scheduledAt="2026-01-01"
    )
    new = {key: value for key, value in visit(status="COMPLETED").items() if key != "event"}
    update("events", "Visit000001", new)(dhis2.state())
    assert dhis2.database.tracker["events"] == {"Visit000001": visit(status="COMPLETED")}
    assert dhis2.only.args["importStrategy"] == "UPDATE"


def test_update_refuses_data_with_another_uid(dhis2):
    error = error_of(update("events", "Visit000002", visit(1)), dhis2.state())
    assert str(error) == "event in the data is not the uid of the object to update."
    assert dhis2.served.received == []


def test_patch_changes_its_fields_of_a_tracker_object(dhis2):
    values = [dv(MEASLES, "1")]
    dhis2.database.tracker["events"]["Visit000001"] = visit(status="ACTIVE", dataValues=values)
    patch("events", "Visit000001", {"status": "COMPLETED"})(dhis2.state())
    stored = dhis2.database.tracker["events"]["Visit000001"]
    assert stored == visit(status="COMPLETED", dataValues=values)
    assert dhis2.requested == ["GET /api/tracker/events/Visit000001", "POST /api/tracker"]
    event = dhis2.served.received[1].get_json()["events"][0]
    assert "createdBy" not in event
    assert "dataValues" not in event


@pytest.mark.parametrize("operation", [update, patch])
def test_relationship_cannot_be_changed(dhis2, operation):
    dhis2.database.tracker["relationships"]["Sibling0001"] = sibling(1, 2)
    error = error_of(operation("relationships", "Sibling0001", {}), dhis2.state())
    assert str(error) == "DHIS2 cannot change a relationship. Destroy it and create another one."


@pytest.mark.parametrize(
    ("uids", "remaining"),
    [("Visit000001", ["Visit000002", "Visit000003"]), (["Visit000001", "Visit000003"], None)],
    ids=["one uid", "a list"],
)
def test_destroy_deletes_only_the_objects_with_the_uids(dhis2, uids, remaining):
    dhis2.database.tracker["events"] = {f"Visit00000{n}": visit(n) for n in (1, 2, 3)}
    destroy("events", uids)(dhis2.state())
    assert list(dhis2.database.tracker["events"]) == (remaining or ["Visit000002"])
    assert dhis2.only.args["importStrategy"] == "DELETE"


def test_destroy_deletes_nested_objects(dhis2):
    enrollment = {"enrollment": "Enrolment01", "program": PROGRAM, "events": [visit()]}
    tracker_import({"trackedEntities": [person(enrollments=[enrollment])]})(dhis2.state())
    destroy("trackedEntities", "Person00001")(dhis2.state())
    assert not any(dhis2.database.tracker.values())


@pytest.mark.parametrize("uids", [None, "", [], [None], "../programs", 7, ["Visit000001", ""]])
@pytest.mark.parametrize("resource", ["events", "organisationUnits"])
def test_destroy_without_a_uid_deletes_nothing(dhis2, resource, uids):
    error = error_of(destroy(resource, uids), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "The uid of the object is missing" in str(error)
    assert dhis2.served.received == []


def test_upsert_of_objects_with_uids_needs_no_query(dhis2):
    for name in ("Amina", "Amina S."):
        upsert("trackedEntities", None, [person(1, name), person(2)])(dhis2.state())
    first, _ = dhis2.database.tracker["trackedEntities"].values()
    assert find_attribute_value(first, NAME) == "Amina S."
    assert {request.args["importStrategy"] for request in dhis2.served.received} == {
        "CREATE_AND_UPDATE"
    }


@pytest.mark.parametrize("query", [None, {}])
def test_upsert_without_query_and_uid_is_a_configuration_error(dhis2, query):
    without_uid = {"trackedEntityType": PERSON, "orgUnit": FACILITY}
    error = error_of(upsert("trackedEntities", query, without_uid), dhis2.state())
    assert "Without a query each object needs its own trackedEntity" in str(error)
    assert dhis2.served.received == []


@pytest.mark.parametrize("version", VERSIONS)
def test_upsert_finds_an_entity_by_a_unique_attribute(dhis2, version):
    dhis2.reset(version)
    query = {"orgUnit": FACILITY, "filter": f"{NATIONAL_ID}:eq:N-1"}
    for name in ("Amina", "Amina S."):
        attributes = [attr(NATIONAL_ID, "N-1"), attr(NAME, name)]
        entity = {"trackedEntityType": PERSON, "orgUnit": FACILITY, "attributes": attributes}
        upsert("trackedEntities", query, entity)(dhis2.state())
    (only,) = dhis2.database.tracker["trackedEntities"].values()
    assert find_attribute_value(only, NAME) == "Amina S."


def test_upsert_refuses_several_tracked_entities(dhis2):
    dhis2.database.tracker["trackedEntities"] = {"A": person(1), "B": person(2)}
    error = error_of(
        upsert("trackedEntities", {"filter": f"{NAME}:eq:Amina"}, person(3)), dhis2.state()
    )
    assert isinstance(error, RemoteRefused)
    assert "The query finds 2 trackedEntities" in str(error)
    assert "Amina" not in str(error)
    assert dhis2.requested == ["GET /api/tracker/trackedEntities"]


def test_tracker_itself_is_not_a_resource(dhis2):
    error = error_of(create("tracker", {}), dhis2.state())
    assert str(error) == "Import into the tracker with tracker_import(payload), not with create."


# Missing answers


def test_attribute_and_data_value_without_a_value_are_left_out(dhis2):
    missing, null = data_value("missing"), data_value("null")
    state = dhis2.state({"name": "Amina", "null": None})
    with dry_run() as requests:
        tracker_import(
            {
                "trackedEntities": [
                    person(attributes=[attr(NAME, data_value("name")), attr(NATIONAL_ID, missing)])
                ],
                "events": [
                    visit(dataValues=[dv(MEASLES, missing), {"dataElement": STAGE, "value": null}])
                ],
            }
        )(state)
        data_value_sets({"dataValues": [dv(MEASLES, missing), dv(STAGE, 7)]})(state)
        upsert(
            "trackedEntityInstances",
            {"filter": "x"},
            {"attributes": [attr(NAME, missing)]},
            legacy=True,
        )(state)
    tracker, sets, *_, entity = [json.loads(request.body or b"{}") for request in requests]
    assert tracker["trackedEntities"][0]["attributes"] == [attr(NAME, "Amina")]
    assert tracker["events"][0]["dataValues"] == [dv(STAGE, None)]
    assert sets["dataValues"] == [dv(STAGE, 7)]
    assert entity["attributes"] == []


@pytest.mark.parametrize(
    ("operate", "key"),
    [
        (tracker_import({"events": [{"event": data_value("missing")}]}), "event"),
        (create("events", {"event": data_value("missing")}), "event"),
        (upsert("organisationUnits", {"filter": data_value("missing")}, {"name": "A"}), "filter"),
        (upsert("events", {"filter": "a", "program": data_value("missing")}, {}), "program"),
    ],
)
def test_missing_uid_and_query_are_author_errors(dhis2, operate, key):
    error = error_of(operate, dhis2.state({}))
    assert isinstance(error, ConfigurationError)
    assert f"needs a value for {key}, but there is none at missing" in str(error)


def test_uid_of_a_missing_answer_is_an_author_error(dhis2):
    operate = tracker_import({"events": [{"event": uid(data_value("missing"))}]})
    assert "Part 1 of uid(…) is empty" in str(error_of(operate, dhis2.state({})))
