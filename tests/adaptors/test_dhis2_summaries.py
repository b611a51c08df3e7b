"""Import summaries of DHIS2 2.36 to 2.43: a status is not the verdict until the body is read."""

from __future__ import annotations

import pytest

from adaptors.dhis2 import (
    attr,
    create,
    data_value_sets,
    destroy,
    dv,
    tracker_import,
    update,
)
from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
from tests.adaptors.dhis2_server import (
    DYSENTERY,
    FACILITY,
    FORBIDDEN,
    MEASLES,
    NAME,
    NATIONAL_ID,
    PERSON,
)
from tests.adaptors.serving import status

# A DHIS2's version, and the version that the credential names.
AGGREGATE = [(37, None), (38, None), (40, 37), (41, 37), (40, None), (42, None), (43, None)]
UNIT = {"id": "Unit0000001", "name": "Ngelehun CHC", "shortName": "Ngelehun"}
EVENTS = tracker_import({"events": [{"event": "Visit000001", "occurredAt": "2026-03-09"}]})
CREATE = create("programs", {"name": "Malaria"})


def values(*pairs, **more):
    return {
        "period": "202603",
        "orgUnit": FACILITY,
        "dataValues": [dv(element, value) for element, value in pairs],
        **more,
    }


def entity(number, *attributes):
    made = {"trackedEntityInstance": f"Person{number:05d}", "trackedEntityType": PERSON}
    return {**made, "orgUnit": FACILITY, "attributes": [attr(*each) for each in attributes]}


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def refused(operate, state):
    error = error_of(operate, state)
    assert isinstance(error, RemoteRefused)
    return str(error)


each_aggregate = pytest.mark.parametrize(("version", "named"), AGGREGATE)


# Data value sets


@each_aggregate
def test_values_that_are_taken_are_there_afterwards(dhis2, version, named):
    dhis2.begin(version)
    operate = data_value_sets(values((MEASLES, "12"), (DYSENTERY, "3")))
    after = operate(dhis2.state(apiVersion=named))
    assert dhis2.holds.values == {
        (MEASLES, "202603", FACILITY): "12",
        (DYSENTERY, "202603", FACILITY): "3",
    }
    summary = after["data"].get("response", after["data"])
    assert summary["importCount"]["imported"] == 2
    assert ("response" in after["data"]) == (version >= 38 and named is None)


@each_aggregate
def test_the_same_values_sent_again_are_ignored_and_no_failure(dhis2, version, named):
    dhis2.begin(version)
    operate = data_value_sets(values((MEASLES, "12"), (DYSENTERY, "3")))
    operate(dhis2.state(apiVersion=named))
    after = operate(dhis2.state(apiVersion=named))
    summary = after["data"].get("response", after["data"])
    assert summary["importCount"]["ignored"] == 2
    assert summary["status"] == "SUCCESS"


@each_aggregate
def test_values_of_which_some_are_ignored_are_a_failure_that_names_them(dhis2, version, named):
    dhis2.begin(version)
    sent = values((MEASLES, "12"), ("Unknown0001", "Christopher"), (DYSENTERY, "3"))
    told = refused(data_value_sets(sent), dhis2.state(apiVersion=named))
    code = 200 if version in {37, 43} or named == 37 else 409
    assert f"answered {code}" in told
    assert (
        "1 of 3 ignored (the others are taken): E7610 at dataElement Unknown0001, index 1" in told
    )
    assert "Christopher" not in told
    assert len(dhis2.holds.values) == 2


@each_aggregate
def test_values_that_are_all_ignored_are_a_failure_whatever_the_status(dhis2, version, named):
    dhis2.begin(version)
    sent = values((MEASLES, "12"), orgUnit=FORBIDDEN)
    told = refused(data_value_sets(sent), dhis2.state(apiVersion=named))
    plain = version < 38 or named == 37
    assert f"answered {200 if plain else 409}" in told
    assert f"1 of 1 ignored: E7612 at orgUnit {FORBIDDEN}" in told
    assert dhis2.holds.values == {}


def test_a_conflict_of_old_is_named_by_its_object(dhis2):
    conflict = {"object": "Unknown0001", "value": "Data element not found or not accessible"}
    counts = {"imported": 1, "updated": 0, "ignored": 1, "deleted": 0}
    dhis2.says({"status": "WARNING", "importCount": counts, "conflicts": [conflict]})
    told = refused(data_value_sets(values((MEASLES, "12"))), dhis2.state())
    assert "1 of 2 ignored (the others are taken): a conflict at Unknown0001;" in told


def test_an_object_of_old_that_is_a_value_is_not_quoted(dhis2, capsys):
    conflict = {"object": "Christopher", "value": "value Christopher must match NUMBER"}
    counts = {"imported": 0, "updated": 0, "ignored": 1, "deleted": 0}
    dhis2.says({"status": "WARNING", "importCount": counts, "conflicts": [conflict]})
    told = refused(data_value_sets(values((MEASLES, "Christopher"))), dhis2.state())
    assert "1 of 1 ignored: a conflict; what DHIS2 says is in the run's log" in told
    assert "value Christopher must match NUMBER" in capsys.readouterr().out


@pytest.mark.parametrize(
    "summary",
    [
        {"status": "SUCCESS", "importCount": {"imported": 0, "ignored": 2}, "rejectedIndexes": [0]},
        {"status": "ERROR", "importCount": {"imported": 0, "ignored": 0}},
        {"status": "WARNING", "importCount": {"imported": 1, "ignored": 0}},
        {
            "status": "SUCCESS",
            "importCount": {"imported": 1, "ignored": 0},
            "conflicts": [{"object": "x", "value": "y"}],
        },
    ],
    ids=["rejected", "error", "warning", "conflict"],
)
@pytest.mark.parametrize("enveloped", [True, False], ids=["envelope", "bare"])
def test_each_sign_of_a_failure_is_one(dhis2, summary, enveloped):
    body = {"httpStatusCode": 200, "status": "OK", "response": summary} if enveloped else summary
    dhis2.says(body)
    refused(data_value_sets(values((MEASLES, "12"))), dhis2.state())


def test_a_list_of_values_is_sent_as_a_set(dhis2):
    value = {"period": "202603", "orgUnit": FACILITY, **dv(MEASLES, "12")}
    data_value_sets([value])(dhis2.state())
    create("dataValueSets", [{**value, "value": "13"}])(dhis2.state())
    assert dhis2.holds.values == {(MEASLES, "202603", FACILITY): "13"}


def test_what_the_query_says_of_data_values_is_sent(dhis2):
    operate = data_value_sets(values((MEASLES, "12")), query={"orgUnitIdScheme": "CODE"})
    operate(dhis2.state())
    assert dhis2.only.args.to_dict() == {"orgUnitIdScheme": "CODE"}


def test_the_places_of_a_conflict_are_named_up_to_a_bound(dhis2):
    told = refused(data_value_sets(values((MEASLES, "12"))), conflicting(dhis2, range(5)))
    assert "E7619 at index 0, 1, 2, 3, 4; what" in told
    told = refused(data_value_sets(values((MEASLES, "12"))), conflicting(dhis2, range(900)))
    assert "E7619 at index 0, 1, 2, 3, 4…; what" in told


def conflicting(dhis2, indexes):
    conflict = {"errorCode": "E7619", "indexes": list(indexes), "value": "no"}
    summary = {"status": "WARNING", "importCount": {"ignored": 1}, "conflicts": [conflict]}
    dhis2.says({"status": "WARNING", "httpStatusCode": 200, "response": summary})
    return dhis2.state()


# Jobs


def test_an_import_that_is_only_to_be_queued_is_the_authors_mistake(dhis2):
    error = error_of(data_value_sets(values(), query={"async": "true"}), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "leave async out of the query" in str(error)
    assert dhis2.served.received == []


@pytest.mark.parametrize(
    "response",
    [
        {"id": "cHh2OCTJvRw", "location": "https://x.org/api/tracker/jobs/cHh2OCTJvRw"},
        {"id": "cHh2OCTJvRw", "jobType": "DATAVALUE_IMPORT", "name": "dataValueImport"},
        {"id": "cHh2OCTJvRw", "relativeNotifierEndpoint": "/api/system/tasks/x/cHh2OCTJvRw"},
    ],
    ids=["tracker", "aggregate", "notifier"],
)
@pytest.mark.parametrize("operate", [EVENTS, data_value_sets(values()), CREATE])
def test_an_answer_that_has_only_queued_the_import_is_refused_and_told(dhis2, operate, response):
    dhis2.says({"httpStatusCode": 200, "status": "OK", "message": "x", "response": response})
    told = refused(operate, dhis2.state())
    assert "answered 200 OK, but only queued the import (job cHh2OCTJvRw)" in told
    assert "look at its report in DHIS2 before this is sent again" in told


def test_what_is_created_under_an_address_is_no_job(dhis2):
    response = {"responseType": "ObjectReport", "uid": "a", "location": "/api/programs/a"}
    dhis2.says({"httpStatusCode": 201, "status": "OK", "response": response}, 201)
    assert CREATE(dhis2.state())["data"]["response"]["uid"] == "a"


# The tracker's reports


def report(status, *, errors=(), warnings=(), created=0, ignored=0, types=None):
    stats = {"created": created, "updated": 0, "deleted": 0, "ignored": ignored}
    return {
        "status": status,
        "validationReport": {"errorReports": list(errors), "warningReports": list(warnings)},
        "stats": {**stats, "total": created + ignored},
        "bundleReport": {"typeReportMap": types or {}},
    }


def error(code, kind="EVENT", uid="Visit000001", message="no"):
    return {"message": message, "errorCode": code, "trackerType": kind, "uid": uid}


@pytest.mark.parametrize("code", [200, 409])
def test_an_error_of_the_tracker_is_a_failure_whatever_the_status(dhis2, code):
    dhis2.says(report("ERROR", errors=[error("E1031")], ignored=1), code)
    told = refused(EVENTS, dhis2.state())
    assert f"answered {code}" in told
    assert "1 of 1 ignored: E1031 (occurredAt is missing) at event Visit000001;" in told


def test_errors_of_single_objects_are_found_and_each_is_named_once(dhis2):
    one = error("E1005", "TRACKED_ENTITY", "Person00001")
    types = {"TRACKED_ENTITY": {"objectReports": [{"uid": "Person00001", "errorReports": [one]}]}}
    dhis2.says(report("ERROR", errors=[one, error("E1031")], ignored=2, types=types))
    told = refused(EVENTS, dhis2.state())
    assert told.count("E1005 at trackedEntity Person00001") == 1
    assert told.count("E1031") == 1


def test_an_error_that_only_an_objects_report_has_is_found(dhis2):
    one = error("E1005", "TRACKED_ENTITY", "Person00001")
    types = {"TRACKED_ENTITY": {"objectReports": [{"uid": "Person00001", "errorReports": [one]}]}}
    dhis2.says(report("OK", created=1, types=types))
    assert "E1005 at trackedEntity Person00001" in refused(EVENTS, dhis2.state())


def test_objects_that_are_ignored_without_a_word_are_a_failure(dhis2):
    stats = {"created": 1, "ignored": 1}
    types = {"EVENT": {"stats": stats}, "RELATIONSHIP": {"stats": {"ignored": 0}}}
    dhis2.says(report("OK", created=1, ignored=1, types=types))
    told = refused(EVENTS, dhis2.state())
    assert "1 of 2 ignored (the others are taken): no reason is given;" in told


def test_an_import_that_ended_early_gives_its_message_to_the_log(dhis2, capsys):
    dhis2.says({"status": "ERROR", "message": "Amina: an exception", "validationReport": {}}, 409)
    told = refused(EVENTS, dhis2.state())
    assert "a conflict; what DHIS2 says is in the run's log" in told
    assert "Amina" not in told
    assert "DHIS2 says: Amina: an exception" in capsys.readouterr().out


def test_a_uid_in_the_message_is_named_too_unless_it_is_a_value(dhis2):
    value = "A1234567890"
    message = f"Value `{value}` of attribute `{NATIONAL_ID}` and of Information is taken"
    dhis2.says(report("ERROR", errors=[error("E1064", message=message)], ignored=1), 409)
    operate = tracker_import({"trackedEntities": [{"attributes": [attr(NATIONAL_ID, value)]}]})
    told = refused(operate, dhis2.state())
    assert f"at event Visit000001, {NATIONAL_ID};" in told
    assert value not in told
    assert "Information" not in told


def test_an_identifier_that_a_value_contains_is_not_quoted(dhis2):
    message = "Value `A1234567890` is taken"
    dhis2.says(report("ERROR", errors=[error("E1064", message=message)], ignored=1), 409)
    operate = tracker_import({"events": [{"dataValues": [dv(MEASLES, " A1234567890/7")]}]})
    assert "A1234567890" not in refused(operate, dhis2.state())


def test_codes_and_kinds_that_are_none_are_not_quoted(dhis2):
    odd = error("Amina Sesay", "Kofi Mensah", "Kisumu")
    dhis2.says(report("ERROR", errors=[odd], ignored=1), 409)
    told = refused(EVENTS, dhis2.state())
    assert "1 of 1 ignored: a conflict; what" in told


def test_warnings_are_printed_and_the_data_is_the_report(dhis2, capsys):
    warning = {"warningCode": "E1308", "message": "Generated by program rule", "uid": "x"}
    dhis2.says(report("WARNING", warnings=[warning], created=1))
    assert EVENTS(dhis2.state())["data"]["stats"]["created"] == 1
    assert capsys.readouterr().out == "DHIS2 warns: E1308 Generated by program rule\n"


# The old tracker


@pytest.mark.parametrize("version", [37, 38, 40, 41])
def test_the_old_tracker_takes_one_or_many(dhis2, version):
    dhis2.begin(version)
    create("trackedEntityInstances", entity(1, (NAME, "Amina")))(dhis2.state())
    create("trackedEntityInstances", [entity(2), entity(3)])(dhis2.state())
    assert len(dhis2.holds.old["trackedEntityInstances"]) == 3
    assert set(dhis2.asked) == {"POST /api/trackedEntityInstances"}


@pytest.mark.parametrize("version", [37, 38, 40, 41])
def test_of_a_batch_that_is_refused_the_good_members_are_taken_and_it_says_so(
    dhis2, version, capsys
):
    dhis2.begin(version)
    create("trackedEntityInstances", entity(1, (NATIONAL_ID, "N-1")))(dhis2.state())
    batch = [entity(2, (NATIONAL_ID, "N-1")), entity(3), entity(4, ("Unknown0001", "Amina"))]
    told = refused(create("trackedEntityInstances", batch), dhis2.state())
    assert "answered 409 CONFLICT: 2 of 3 ignored (the others are taken): " in told
    assert f"a conflict at {NATIONAL_ID}; a conflict at Unknown0001; what" in told
    assert "N-1" not in told
    assert "Non-unique attribute value 'N-1'" in capsys.readouterr().out
    assert list(dhis2.holds.old["trackedEntityInstances"]) == ["Person00001", "Person00003"]


@pytest.mark.parametrize("version", [37, 41])
def test_an_entity_of_the_old_tracker_is_replaced(dhis2, version):
    dhis2.begin(version)
    create("trackedEntityInstances", entity(1, (NAME, "Amina")))(dhis2.state())
    update("trackedEntityInstances", "Person00001", entity(1, (NATIONAL_ID, "N-1")))(dhis2.state())
    kept = dhis2.holds.old["trackedEntityInstances"]["Person00001"]
    assert kept["attributes"] == [attr(NATIONAL_ID, "N-1")]
    told = refused(
        update("trackedEntityInstances", "Person00001", entity(1, ("Unknown0001", 1))),
        dhis2.state(),
    )
    assert "1 of 1 ignored: a conflict at Unknown0001" in told
    destroy("trackedEntityInstances", "Person00001")(dhis2.state())
    assert dhis2.holds.old["trackedEntityInstances"] == {}


@pytest.mark.parametrize("kind", ["events", "enrollments"])
def test_events_and_enrollments_of_the_old_tracker_are_reached_by_name(dhis2, kind):
    name = kind.removesuffix("s")
    data = {name: "Object00001", "eventDate": "2026-03-09"}
    create(kind, data, legacy=True)(dhis2.state())
    create(kind, [{name: "Object00002"}], legacy=True)(dhis2.state())
    update(kind, "Object00001", {"status": "COMPLETED"}, legacy=True)(dhis2.state())
    destroy(kind, "Object00002", legacy=True)(dhis2.state())
    assert dhis2.holds.old[kind] == {"Object00001": {"status": "COMPLETED", name: "Object00001"}}
    assert {each.split()[1] for each in dhis2.asked} == {
        f"/api/{kind}",
        f"/api/{kind}/Object00001",
        f"/api/{kind}/Object00002",
    }


@pytest.mark.parametrize("version", [42, 43])
def test_where_the_old_tracker_is_gone_it_is_told(dhis2, version):
    dhis2.begin(version)
    operate = create("trackedEntityInstances", entity(1))
    told = refused(operate, dhis2.state())
    assert "the resources of the old tracker are gone since 2.42" in told
    error = error_of(operate, dhis2.state(apiVersion=version))
    assert isinstance(error, ConfigurationError)
    assert "use trackedEntities, enrollments and events" in str(error)
    legacy = error_of(create("events", {}, legacy=True), dhis2.state(apiVersion=version))
    assert "events of the old tracker is gone since 2.42" in str(legacy)
    assert len(dhis2.served.received) == 1


def test_conflicts_inside_of_an_entitys_enrollments_are_found(dhis2):
    conflict = {"object": "Unknown0001", "value": "no"}
    event = {"status": "ERROR", "importCount": {"ignored": 1}, "conflicts": [conflict]}
    inner = {"status": "SUCCESS", "importCount": {"imported": 1, "ignored": 0}}
    inner["events"] = {"status": "ERROR", "ignored": 1, "importSummaries": [event]}
    summary = {"status": "SUCCESS", "importCount": {"imported": 1, "ignored": 0}}
    summary["enrollments"] = {"status": "SUCCESS", "ignored": 0, "importSummaries": [inner]}
    response = {"status": "SUCCESS", "imported": 1, "ignored": 0, "importSummaries": [summary]}
    dhis2.says({"status": "OK", "httpStatusCode": 200, "response": response})
    told = refused(create("trackedEntityInstances", entity(1)), dhis2.state())
    assert "a conflict at Unknown0001" in told


def test_a_reason_that_is_only_described_is_in_the_log(dhis2, capsys):
    summary = {
        "status": "ERROR",
        "description": "Program is not assigned",
        "reference": "Obj0001abcd",
    }
    response = {"status": "ERROR", "ignored": 1, "imported": 0, "importSummaries": [summary]}
    dhis2.says({"status": "ERROR", "httpStatusCode": 409, "response": response}, 409)
    told = refused(create("trackedEntityInstances", entity(1)), dhis2.state())
    assert "1 of 1 ignored: a conflict at Obj0001abcd;" in told
    assert "Program is not assigned" in capsys.readouterr().out


# Metadata and single objects


@pytest.mark.parametrize("version", [37, 38, 42, 43])
def test_metadata_that_is_refused_is_a_failure_whatever_the_status(dhis2, version):
    dhis2.begin(version)
    units = [UNIT, {"id": "Unit0000002", "name": "Amina"}]
    told = refused(create("metadata", {"organisationUnits": units}), dhis2.state())
    assert f"answered {200 if version == 37 else 409}" in told
    assert "1 of 2 ignored (the others are taken): E4000 at shortName;" in told
    assert "Amina" not in told


@pytest.mark.parametrize("version", [37, 38, 42, 43])
def test_metadata_that_is_taken_is_there_afterwards(dhis2, version):
    dhis2.begin(version)
    create("metadata", {"organisationUnits": [UNIT]})(dhis2.state())
    assert dhis2.holds.metadata["organisationUnits"] == {"Unit0000001": UNIT}


@pytest.mark.parametrize("operation", ["create", "update"])
def test_an_object_that_is_refused_names_what_it_lacks(dhis2, operation):
    dhis2.holds.metadata["organisationUnits"]["Unit0000001"] = UNIT
    wrong = {"name": "Amina"}
    operate = {
        "create": create("organisationUnits", wrong),
        "update": update("organisationUnits", "Unit0000001", wrong),
    }[operation]
    told = refused(operate, dhis2.state())
    assert "answered 409" in told
    assert "E4000 at shortName" in told
    assert dhis2.holds.metadata["organisationUnits"] == {"Unit0000001": UNIT}


@pytest.mark.parametrize("code", [400, 409, 415, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"status": "ERROR", "message": "Amina"}',
        b'{"status": "OK"}',
        b"no JSON: Amina",
        b"<html>Amina</html>",
    ],
)
def test_a_refusal_of_any_shape_is_one_and_quotes_nothing(dhis2, capsys, code, body):
    dhis2.served.troubles.append(status(code, body))
    told = refused(CREATE, dhis2.state())
    assert f"answered {code}" in told
    assert "Amina" not in told
    out = capsys.readouterr().out
    assert "Amina" in out if b"Amina" in body else body.decode() in out
    assert out


@pytest.mark.parametrize("code", [200, 201, 204])
def test_an_answer_without_a_body_is_no_failure(dhis2, code):
    dhis2.served.troubles.append(status(code))
    assert CREATE(dhis2.state())["data"] is None


@pytest.mark.parametrize("body", [[], [1], "text", 7, None, {"status": "ACTIVE"}, {"stats": 1}])
def test_an_answer_that_is_no_summary_is_no_failure(dhis2, body):
    dhis2.says(body)
    assert CREATE(dhis2.state())["data"] == body


IMPORTS = {
    "tracker": EVENTS,
    "dataValueSets": data_value_sets(values((MEASLES, "12"))),
    "metadata": create("metadata", {"organisationUnits": [UNIT]}),
    "trackedEntityInstances": create("trackedEntityInstances", entity(1)),
}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"status": "OK"}', b"fine", b"null"])
@pytest.mark.parametrize("operate", IMPORTS.values(), ids=IMPORTS)
def test_an_import_whose_answer_does_not_say_what_was_taken_is_refused(dhis2, operate, body):
    dhis2.served.troubles.append(status(200, body))
    told = refused(operate, dhis2.state())
    assert "answered 200 OK, but does not say what it has taken" in told


def test_trouble_of_the_server_in_the_clothes_of_an_error_is_for_now(dhis2):
    dhis2.says({"status": "ERROR", "httpStatusCode": 500, "message": "no connection"}, 500)
    assert isinstance(error_of(EVENTS, dhis2.state()), RemoteUnavailable)
