"""Import into the tracker and export from it, by what a DHIS2 on loopback holds afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from adaptors._runtime.run_context import run_context
from adaptors.common import data_value, each
from adaptors.dhis2 import (
    attr,
    create,
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
from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
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
from tests.adaptors.serving import truncated

PAYLOADS = Path(__file__).resolve().parents[1] / "cases/payloads"
VERSIONS = [37, 38, 40, 41, 42, 43]


def person(number=1, name="Amina", **more):
    made = {"trackedEntity": f"Person{number:05d}", "trackedEntityType": PERSON}
    return {**made, "orgUnit": FACILITY, "attributes": [attr(NAME, name)], **more}


def visit(number=1, **more):
    made = {"event": f"Visit{number:06d}", "program": PROGRAM, "programStage": STAGE}
    return {**made, "orgUnit": FACILITY, "occurredAt": "2026-03-09", **more}


def sibling(one, other, number=1):
    sides = {
        side: {"trackedEntity": {"trackedEntity": f"Person{n:05d}"}}
        for side, n in (("from", one), ("to", other))
    }
    return {"relationship": f"Sibling{number:04d}", "relationshipType": "dDrh5UyCyvQ", **sides}


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def sizes(dhis2):
    return [
        {key: len(objects) for key, objects in each.get_json().items()}
        for each in dhis2.served.received
    ]


# Import


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_imported_is_there_afterwards_and_its_report_is_the_data(dhis2, version):
    dhis2.begin(version)
    enrollment = {"enrollment": "Enrolment01", "program": PROGRAM, "events": [visit()]}
    payload = {"trackedEntities": [person(enrollments=[enrollment])]}
    after = tracker_import(payload)(dhis2.state({"_uuid": "19d7"}))
    assert dhis2.holds.tracker["trackedEntities"]["Person00001"]["attributes"] == [
        attr(NAME, "Amina")
    ]
    assert dhis2.holds.tracker["events"]["Visit000001"]["enrollment"] == "Enrolment01"
    assert after["data"]["status"] == "OK"
    assert after["data"]["stats"]["created"] == 3
    assert after["references"] == [{"_uuid": "19d7"}]


def test_a_documented_payload_is_imported(dhis2):
    payload = json.loads((PAYLOADS / "dhis2_tracked_entities.json").read_text("utf-8"))
    tracker_import(payload)(dhis2.state())
    kept = dhis2.holds.tracker["trackedEntities"]["DemoPerson1"]
    assert find_attribute_value(kept, NAME) == "Amina"


@pytest.mark.parametrize(
    ("configuration", "path"),
    [({}, "/api/tracker"), ({"apiVersion": 38}, "/api/38/tracker")],
    ids=["newest", "38"],
)
def test_an_import_is_answered_at_once_and_its_strategy_is_the_one_named(
    dhis2, configuration, path
):
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


def test_further_parameters_stand_in_the_query(dhis2):
    query = {"skipRuleEngine": True, "orgUnitIdScheme": "CODE", "reportMode": "FULL"}
    tracker_import({"events": [visit()]}, query=query)(dhis2.state())
    assert dhis2.only.args["skipRuleEngine"] == "true"
    assert dhis2.only.args["orgUnitIdScheme"] == "CODE"
    assert dhis2.only.args["reportMode"] == "FULL"


def test_by_default_what_is_new_is_created_and_what_is_known_updated(dhis2):
    tracker_import({"trackedEntities": [person(1, "Amina")]})(dhis2.state())
    payload = {"trackedEntities": [person(1, "Amina S."), person(2, "Kofi")]}
    after = tracker_import(payload)(dhis2.state())
    names = [
        find_attribute_value(one, NAME) for one in dhis2.holds.tracker["trackedEntities"].values()
    ]
    assert names == ["Amina S.", "Kofi"]
    assert (after["data"]["stats"]["created"], after["data"]["stats"]["updated"]) == (1, 1)


def test_an_attribute_without_a_value_is_deleted_and_one_left_out_is_kept(dhis2):
    both = [attr(NAME, "Amina"), attr(NATIONAL_ID, "N-1")]
    tracker_import({"trackedEntities": [person(attributes=both)]})(dhis2.state())
    tracker_import({"trackedEntities": [person(attributes=[attr(NAME, None)])]})(dhis2.state())
    kept = dhis2.holds.tracker["trackedEntities"]["Person00001"]
    assert kept["attributes"] == [attr(NATIONAL_ID, "N-1")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("payload", "code", "about"),
    [
        ({"trackedEntities": [person()]}, "E1002", "trackedEntity Person00001"),
        ({"enrollments": [{"enrollment": "Enrolment01"}]}, "E1080", "enrollment Enrolment01"),
        ({"events": [visit()]}, "E1030", "event Visit000001"),
        ({"relationships": [sibling(1, 2)]}, "E4015", "relationship Sibling0001"),
    ],
    ids=["trackedEntities", "enrollments", "events", "relationships"],
)
def test_create_refuses_what_is_there_already(dhis2, version, payload, code, about):
    dhis2.begin(version)
    for kind, objects in payload.items():
        dhis2.holds.tracker[kind] = {about.split()[1]: objects[0]}
    error = error_of(tracker_import(payload, "CREATE"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert f"answered 409 Conflict: 1 of 1 ignored: {code} (it is there already) at {about};" in (
        str(error).replace("CONFLICT", "Conflict")
    )


@pytest.mark.parametrize("strategy", ["UPDATE", "DELETE"])
@pytest.mark.parametrize(
    ("payload", "code"),
    [({"trackedEntities": [person()]}, "E1063"), ({"events": [visit()]}, "E1032")],
    ids=["trackedEntities", "events"],
)
def test_update_and_delete_refuse_what_is_not_there(dhis2, strategy, payload, code):
    error = error_of(tracker_import(payload, strategy), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert f"{code} (it is not there, or not to be seen)" in str(error)


def test_what_was_deleted_cannot_be_imported_again(dhis2):
    tracker_import({"events": [visit()]})(dhis2.state())
    tracker_import({"events": [{"event": "Visit000001"}]}, "DELETE")(dhis2.state())
    assert dhis2.holds.tracker["events"] == {}
    error = error_of(tracker_import({"events": [visit()]}), dhis2.state())
    assert "E1082 (it was deleted, for ever) at event Visit000001" in str(error)


def test_each_conflict_is_named_and_no_value_is_quoted(dhis2, capsys):
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
    for part in (
        f"E1064 ({unique}) at trackedEntity Person00002, {NATIONAL_ID}",
        "E1006 at trackedEntity Person00003, Abc4efghijk",
        f"E1000 (the user lacks the right) at trackedEntity Person00004, xE7jOejl9FI, {FORBIDDEN}",
    ):
        assert f"; {part};" in str(error).replace(" ignored: ", " ignored: ; ")
    assert "Christopher" not in str(error)
    assert "Kofi" not in str(error)
    assert "DHIS2 says: E1064 Non-unique attribute value `Christopher`" in capsys.readouterr().out
    assert list(dhis2.holds.tracker["trackedEntities"]) == ["Person00001"]
    assert str(error).startswith(f"POST {dhis2.served.url}/api/tracker answered 409 CONFLICT: 4 ")


def test_with_the_atomic_mode_object_what_is_well_is_taken_and_the_rest_named(dhis2):
    payload = {"trackedEntities": [person(1), person(2, trackedEntityType="Nobody00000")]}
    error = error_of(tracker_import(payload, atomic_mode="OBJECT"), dhis2.state())
    assert "1 of 2 ignored (the others are taken): E1005 at trackedEntity Person00002" in str(error)
    assert list(dhis2.holds.tracker["trackedEntities"]) == ["Person00001"]


def test_conflicts_are_named_up_to_a_bound_and_counted(dhis2):
    payload = {"events": [visit(n, occurredAt=None) for n in range(50)]}
    error = error_of(tracker_import(payload), dhis2.state())
    assert str(error).count("E1031 (occurredAt is missing)") == 20
    assert "; and 30 more; what DHIS2 says is in the run's log" in str(error)


def test_a_warning_is_printed_and_no_failure(dhis2, capsys):
    payload = {
        "trackedEntities": [person(1), person(2)],
        "relationships": [sibling(1, 2)],
    }
    tracker_import(payload)(dhis2.state())
    after = tracker_import(payload)(dhis2.state())
    assert after["data"]["status"] == "WARNING"
    assert after["data"]["stats"]["ignored"] == 1
    assert "DHIS2 warns: E4015 Relationship: `Sibling0001`" in capsys.readouterr().out
    assert len(dhis2.holds.tracker["relationships"]) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_an_import_that_is_repeated_changes_nothing(dhis2, version):
    dhis2.begin(version)
    enrollment = {"enrollment": uid("e", "19d7"), "program": PROGRAM, "events": [visit()]}
    operate = tracker_import(
        {
            "trackedEntities": [person(1, enrollments=[enrollment]), person(2)],
            "relationships": [sibling(1, 2)],
        }
    )
    operate(dhis2.state())
    before = json.dumps(dhis2.holds.everything())
    operate(dhis2.state())
    assert json.dumps(dhis2.holds.everything()) == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"payload": [person()]}, "the tracker takes a dict of trackedEntities, enrollments"),
        ({"payload": None}, "the tracker takes a dict of"),
        ({"payload": {"trackedEntityInstances": []}}, "the tracker takes a dict of"),
        ({"payload": {"events": ["Visit000001"]}}, "events for the tracker are dicts, and one is"),
        ({"payload": {"events": [visit(eventDate="2026-01-01")]}}, "it is named occurredAt there"),
        (
            {"payload": {"events": [visit(trackedEntityInstance="Person00001")]}},
            "an object of events has trackedEntityInstance, which the tracker does not read",
        ),
        (
            {"payload": {"trackedEntities": [person(enrollments=[{"incidentDate": "x"}])]}},
            "an object of enrollments has incidentDate",
        ),
        ({"strategy": "MERGE"}, "the strategy is one of CREATE, UPDATE, CREATE_AND_UPDATE, DELETE"),
        ({"atomic_mode": "NONE"}, "atomic_mode is ALL"),
        ({"chunk": 0}, "chunk is the number of objects"),
        ({"query": {"async": True}}, "leave async out of the query"),
        ({"query": {"async": "TRUE"}}, "leave async out of the query"),
        ({"query": {"importStrategy": "DELETE"}}, "write tracker_import(…, strategy=…"),
        ({"query": "async=true"}, "a query is a dict, not str"),
    ],
    ids=str,
)
def test_a_mistake_in_the_job_is_told_before_anything_is_sent(dhis2, wrong, told):
    arguments = {"payload": {"events": [visit()]}, **wrong}
    error = error_of(tracker_import(**arguments), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert told in str(error)
    assert dhis2.served.received == []


def test_one_object_may_stand_for_a_list_of_one(dhis2):
    tracker_import({"events": visit()})(dhis2.state())
    assert list(dhis2.holds.tracker["events"]) == ["Visit000001"]


def test_nothing_to_import_sends_nothing(dhis2):
    after = tracker_import({"events": []})(dhis2.state())
    assert dhis2.served.received == []
    assert after["data"]["stats"]["total"] == 0


def test_objects_without_a_uid_are_counted_in_the_log(dhis2, capsys):
    lacking = {key: value for key, value in visit().items() if key != "event"}
    tracker_import({"events": [lacking, visit()]})(dhis2.state())
    assert "1 of 2 objects have no uid of their own" in capsys.readouterr().out
    tracker_import({"events": [visit()]})(dhis2.state())
    assert capsys.readouterr().out == ""
    error_of(tracker_import({"events": [lacking]}, "UPDATE"), dhis2.state())
    assert "no uid of their own" not in capsys.readouterr().out


# Chunks


def test_many_objects_are_sent_in_chunks_and_their_reports_put_together(dhis2):
    after = tracker_import({"events": [visit(n) for n in range(450)]})(dhis2.state())
    assert sizes(dhis2) == [{"events": 200}, {"events": 200}, {"events": 50}]
    assert len(dhis2.holds.tracker["events"]) == 450
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


def test_objects_inside_of_others_count_for_a_chunk(dhis2):
    people = [person(n, enrollments=[{"program": PROGRAM}]) for n in range(3)]
    tracker_import({"trackedEntities": people}, chunk=4)(dhis2.state())
    assert sizes(dhis2) == [{"trackedEntities": 2}, {"trackedEntities": 1}]


def test_what_belongs_together_is_sent_together(dhis2):
    payload = {
        "trackedEntities": [person(n) for n in range(6)],
        "enrollments": [
            {"enrollment": "Enrolment05", "trackedEntity": "Person00005", "program": PROGRAM}
        ],
        "events": [visit(1, enrollment="Enrolment05"), visit(2)],
        "relationships": [sibling(0, 5)],
    }
    tracker_import(payload, chunk=5)(dhis2.state())
    sent = [each.get_json() for each in dhis2.served.received]
    assert [[one["trackedEntity"] for one in each["trackedEntities"]] for each in sent] == [
        ["Person00000", "Person00005"],
        ["Person00001", "Person00002", "Person00003", "Person00004"],
    ]
    assert [list(each) for each in sent] == [
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
    ids=["names what is inside of another", "inside of it another is named"],
)
def test_what_is_inside_of_others_holds_together_too(dhis2, payload):
    tracker_import(payload, chunk=3)(dhis2.state())
    first, second = (each.get_json() for each in dhis2.served.received)
    assert [each["trackedEntity"] for each in second["trackedEntities"]] == ["Person00002"]
    assert len(list(first)) + len(first["trackedEntities"]) == 3


def test_what_belongs_together_and_is_more_than_a_chunk_is_sent_as_one(dhis2):
    enrollment = {"enrollment": "Enrolment01", "program": PROGRAM, "trackedEntity": "Person00001"}
    events = [visit(n, enrollment="Enrolment01") for n in range(5)]
    payload = {"trackedEntities": [person(1)], "enrollments": [enrollment], "events": events}
    tracker_import(payload, chunk=3)(dhis2.state())
    assert sizes(dhis2) == [{"trackedEntities": 1, "enrollments": 1, "events": 5}]


def test_objects_that_name_what_is_not_in_the_payload_are_not_held_together(dhis2):
    tracker_import({"enrollments": []})(dhis2.state())
    dhis2.holds.tracker["enrollments"]["Enrolment01"] = {}
    events = [visit(n, enrollment="Enrolment01") for n in range(4)]
    tracker_import({"events": events}, chunk=2)(dhis2.state())
    assert sizes(dhis2) == [{"events": 2}, {"events": 2}]


def test_a_refused_chunk_says_which_and_what_is_taken_already(dhis2):
    events = [visit(1), visit(2), visit(3, occurredAt=None), visit(4), visit(5)]
    error = error_of(tracker_import({"events": events}, chunk=2), dhis2.state())
    assert str(error).startswith("chunk 2 of 3: POST ")
    assert str(error).endswith("; the 2 objects of the chunks before it are taken")
    assert list(dhis2.holds.tracker["events"]) == ["Visit000001", "Visit000002"]
    assert len(dhis2.served.received) == 2


def test_the_warnings_of_all_chunks_are_in_the_report(dhis2):
    people = [person(n) for n in range(4)]
    payload = {"trackedEntities": people, "relationships": [sibling(0, 1, 1), sibling(2, 3, 2)]}
    tracker_import(payload, chunk=3)(dhis2.state())
    report = tracker_import(payload, chunk=3)(dhis2.state())["data"]
    assert report["status"] == "WARNING"
    warned = [one["uid"] for one in report["validationReport"]["warningReports"]]
    assert warned == ["Sibling0001", "Sibling0002"]
    assert (report["stats"]["updated"], report["stats"]["ignored"]) == (4, 2)


# A lost answer


def lost(site):
    """Let the request be taken, and cut its answer."""

    def answer(request):
        Response.from_app(application(site.holds), request.environ)
        return truncated(request)

    site.served.troubles.append(answer)


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


def test_a_job_that_is_tried_again_after_a_lost_answer_ends_with_one_entity(dhis2, tmp_path):
    job = tmp_path / "register.py"
    job.write_text(JOB)
    lost(dhis2)
    progress = expression.Progress()
    state = dhis2.state({"_uuid": "19d72997", "group1/name": "Amina"})
    with run_context("run-1", datetime.now(UTC)):
        with pytest.raises(JobError) as caught:
            expression.execute(expression.load(job), state, job, progress)
        assert caught.value.verdict == "remote-for-now"
        assert len(dhis2.holds.tracker["trackedEntities"]) == 1
        again = {**json.loads(progress.state), "configuration": state["configuration"]}
        after = expression.execute(expression.load(job), again, job, progress)
    assert after["data"]["stats"]["updated"] == 1
    assert list(dhis2.holds.tracker["trackedEntities"]) == [uid("19d72997", "child")({})]
    assert len(dhis2.served.received) == 2


def test_without_a_uid_of_its_own_it_would_be_two(dhis2):
    lacking = {key: value for key, value in person().items() if key != "trackedEntity"}
    operate = tracker_import({"trackedEntities": [lacking]})
    lost(dhis2)
    assert isinstance(error_of(operate, dhis2.state()), RemoteUnavailable)
    operate(dhis2.state())
    assert len(dhis2.holds.tracker["trackedEntities"]) == 2


# Export


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("number", [0, 1, 199, 200, 201, 450])
def test_all_pages_are_fetched_in_every_version(dhis2, version, number):
    dhis2.begin(version)
    dhis2.holds.tracker["events"] = {f"Visit{n:06d}": visit(n) for n in range(number)}
    after = tracker_export("events", {"program": PROGRAM})(dhis2.state({"a": 1}))
    assert [one["event"] for one in after["data"]["events"]] == [
        f"Visit{n:06d}" for n in reversed(range(number))
    ]
    assert list(after["data"]) == ["events"]
    assert after["references"] == [{"a": 1}]
    assert len(dhis2.served.received) == number // 200 + 1
    assert {each.args["program"] for each in dhis2.served.received} == {PROGRAM}


def test_what_the_query_names_is_what_comes(dhis2):
    dhis2.holds.tracker["events"] = {"A": visit(1), "B": visit(2, program="Other000000")}
    after = tracker_export("events", {"program": PROGRAM}, page_size=1)(dhis2.state())
    assert [one["event"] for one in after["data"]["events"]] == ["Visit000001"]
    assert [each.args["pageSize"] for each in dhis2.served.received] == ["1", "1"]


@pytest.mark.parametrize("pager", [{"pager": {"pageSize": 2}}, {"pageSize": 2}])
def test_a_server_with_shorter_pages_is_asked_for_all_of_them(dhis2, pager):
    for numbers in ([1, 2], [3]):
        dhis2.says({**pager, "events": [visit(n) for n in numbers]})
    after = tracker_export("events")(dhis2.state())
    assert len(after["data"]["events"]) == 3


def test_one_object_is_fetched_by_its_uid(dhis2):
    dhis2.holds.tracker["events"]["Visit000001"] = visit()
    after = tracker_export("events/Visit000001", {"fields": "*"})(dhis2.state())
    assert after["data"]["occurredAt"] == "2026-03-09"
    assert dhis2.asked == ["GET /api/tracker/events/Visit000001"]


def test_an_export_can_be_gone_through_with_each(dhis2):
    dhis2.holds.tracker["trackedEntities"] = {"A": person(1, "Amina"), "B": person(2, "Kofi")}
    state = tracker_export("trackedEntities")(dhis2.state())
    again = each("trackedEntities[*]", upsert("trackedEntities", None, lambda s: s["data"]))
    again(state)
    assert len(dhis2.holds.tracker["trackedEntities"]) == 4


def test_a_server_that_gives_the_same_page_again_is_no_endless_loop(dhis2):
    for _ in range(2):
        dhis2.says({"events": [visit()]})
    error = error_of(tracker_export("events", page_size=1), dhis2.state())
    assert str(error) == "DHIS2 gives page 1 of events again as page 2"


def test_pages_that_look_alike_without_uids_are_different_pages(dhis2):
    for rows in ([{"orgUnit": FACILITY}], [{"orgUnit": FACILITY}], []):
        dhis2.says({"events": rows})
    after = tracker_export("events", {"fields": "orgUnit"}, page_size=1)(dhis2.state())
    assert len(after["data"]["events"]) == 2


def test_an_answer_without_the_list_is_refused(dhis2):
    dhis2.says({"something": []})
    error = error_of(tracker_export("events"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "no list of events" in str(error)


@pytest.mark.parametrize(
    ("operate", "told"),
    [
        (tracker_export("programs"), "the tracker exports trackedEntities, enrollments, events"),
        (tracker_export("events", {"page": 2}), "tracker_export fetches all pages"),
        (tracker_export("events", {"paging": False}), "tracker_export fetches all pages"),
    ],
)
def test_a_mistake_in_an_export_is_told(dhis2, operate, told):
    error = error_of(operate, dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert told in str(error)
    assert dhis2.served.received == []


# create, update, patch, upsert, destroy


@pytest.mark.parametrize(
    "data",
    [visit(), [visit()], {"events": [visit()]}],
    ids=["one object", "a list", "a payload"],
)
def test_create_wraps_what_it_is_given_once(dhis2, data):
    create("events", data)(dhis2.state())
    assert dhis2.only.get_json() == {"events": [visit()]}
    assert dhis2.only.args["importStrategy"] == "CREATE"
    assert list(dhis2.holds.tracker["events"]) == ["Visit000001"]


@pytest.mark.parametrize("kind", ["trackedEntities", "enrollments", "events", "relationships"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_four_resources_of_the_tracker_go_through_it_in_every_version(dhis2, version, kind):
    dhis2.begin(version)
    with pytest.raises(RemoteRefused, match="E1048"):
        create(kind, {TYPE_UIDS[kind]: "1"})(dhis2.state())
    assert dhis2.asked == ["POST /api/tracker"]


TYPE_UIDS = {
    "trackedEntities": "trackedEntity",
    "enrollments": "enrollment",
    "events": "event",
    "relationships": "relationship",
}


def test_values_of_the_state_stand_deep_inside_of_what_is_created(dhis2):
    data = {"_uuid": "19d7", "measles": "12"}
    event = visit(event=uid(data_value("_uuid")), dataValues=[dv(MEASLES, data_value("measles"))])
    create("events", event)(dhis2.state(data))
    kept = dhis2.holds.tracker["events"][uid("19d7")({})]
    assert kept["dataValues"] == [{"dataElement": MEASLES, "value": "12"}]


def test_update_replaces_the_object_of_the_uid(dhis2):
    dhis2.holds.tracker["events"]["Visit000001"] = visit(status="ACTIVE", scheduledAt="2026-01-01")
    new = {key: value for key, value in visit(status="COMPLETED").items() if key != "event"}
    update("events", "Visit000001", new)(dhis2.state())
    assert dhis2.holds.tracker["events"] == {"Visit000001": visit(status="COMPLETED")}
    assert dhis2.only.args["importStrategy"] == "UPDATE"


def test_update_refuses_another_uid_in_the_data(dhis2):
    error = error_of(update("events", "Visit000002", visit(1)), dhis2.state())
    assert str(error) == "event in the data is not the uid that is to be updated"
    assert dhis2.served.received == []


def test_patch_changes_the_fields_it_names_and_keeps_the_others(dhis2):
    values = [dv(MEASLES, "1")]
    dhis2.holds.tracker["events"]["Visit000001"] = visit(status="ACTIVE", dataValues=values)
    patch("events", "Visit000001", {"status": "COMPLETED"})(dhis2.state())
    kept = dhis2.holds.tracker["events"]["Visit000001"]
    assert kept == visit(status="COMPLETED", dataValues=values)
    assert dhis2.asked == ["GET /api/tracker/events/Visit000001", "POST /api/tracker"]
    sent = dhis2.served.received[1].get_json()["events"][0]
    assert "createdBy" not in sent
    assert "dataValues" not in sent


@pytest.mark.parametrize("operation", [update, patch])
def test_a_relationship_is_not_changed(dhis2, operation):
    dhis2.holds.tracker["relationships"]["Sibling0001"] = sibling(1, 2)
    error = error_of(operation("relationships", "Sibling0001", {}), dhis2.state())
    assert str(error) == "DHIS2 changes no relationship: destroy it and create another"


@pytest.mark.parametrize(
    ("which", "left"),
    [("Visit000001", ["Visit000002", "Visit000003"]), (["Visit000001", "Visit000003"], None)],
    ids=["one", "a list"],
)
def test_destroy_deletes_what_it_is_told_and_nothing_else(dhis2, which, left):
    dhis2.holds.tracker["events"] = {f"Visit00000{n}": visit(n) for n in (1, 2, 3)}
    destroy("events", which)(dhis2.state())
    assert list(dhis2.holds.tracker["events"]) == (left or ["Visit000002"])
    assert dhis2.only.args["importStrategy"] == "DELETE"


def test_destroy_takes_what_is_inside_along(dhis2):
    enrollment = {"enrollment": "Enrolment01", "program": PROGRAM, "events": [visit()]}
    tracker_import({"trackedEntities": [person(enrollments=[enrollment])]})(dhis2.state())
    destroy("trackedEntities", "Person00001")(dhis2.state())
    assert not any(dhis2.holds.tracker.values())


@pytest.mark.parametrize("which", [None, "", [], [None], "../programs", 7, ["Visit000001", ""]])
@pytest.mark.parametrize("resource", ["events", "organisationUnits"])
def test_destroy_without_a_uid_deletes_nothing(dhis2, resource, which):
    error = error_of(destroy(resource, which), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "the object is named by its uid" in str(error)
    assert dhis2.served.received == []


def test_upsert_with_uids_of_their_own_needs_no_query(dhis2):
    for name in ("Amina", "Amina S."):
        upsert("trackedEntities", None, [person(1, name), person(2)])(dhis2.state())
    first, _ = dhis2.holds.tracker["trackedEntities"].values()
    assert find_attribute_value(first, NAME) == "Amina S."
    assert {each.args["importStrategy"] for each in dhis2.served.received} == {"CREATE_AND_UPDATE"}


@pytest.mark.parametrize("query", [None, {}])
def test_upsert_with_neither_a_query_nor_a_uid_would_always_create(dhis2, query):
    lacking = {"trackedEntityType": PERSON, "orgUnit": FACILITY}
    error = error_of(upsert("trackedEntities", query, lacking), dhis2.state())
    assert "without a query each object needs its own trackedEntity" in str(error)
    assert dhis2.served.received == []


@pytest.mark.parametrize("version", VERSIONS)
def test_upsert_finds_the_entity_of_a_unique_attribute(dhis2, version):
    dhis2.begin(version)
    query = {"orgUnit": FACILITY, "filter": f"{NATIONAL_ID}:eq:N-1"}
    for name in ("Amina", "Amina S."):
        attributes = [attr(NATIONAL_ID, "N-1"), attr(NAME, name)]
        entity = {"trackedEntityType": PERSON, "orgUnit": FACILITY, "attributes": attributes}
        upsert("trackedEntities", query, entity)(dhis2.state())
    (only,) = dhis2.holds.tracker["trackedEntities"].values()
    assert find_attribute_value(only, NAME) == "Amina S."


def test_upsert_refuses_to_choose_among_several(dhis2):
    dhis2.holds.tracker["trackedEntities"] = {"A": person(1), "B": person(2)}
    error = error_of(
        upsert("trackedEntities", {"filter": f"{NAME}:eq:Amina"}, person(3)), dhis2.state()
    )
    assert isinstance(error, RemoteRefused)
    assert "the query finds 2 of trackedEntities" in str(error)
    assert "Amina" not in str(error)
    assert dhis2.asked == ["GET /api/tracker/trackedEntities"]


def test_the_trackers_resource_itself_is_no_resource(dhis2):
    error = error_of(create("tracker", {}), dhis2.state())
    assert str(error) == "the tracker is sent a payload with tracker_import(payload)"
