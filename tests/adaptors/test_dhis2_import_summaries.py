"""Import summaries of DHIS2 2.36 to 2.43, whose bodies decide over success, not the status."""

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
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from tests.adaptors.dhis2_server import (
    DYSENTERY,
    FACILITY,
    FORBIDDEN,
    MEASLES,
    NAME,
    NATIONAL_ID,
    PERSON,
)
from tests.support.errors import error_of
from tests.support.wsgi_server import status

# A server's version, and the apiVersion of the credential.
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
    return {
        "trackedEntityInstance": f"Person{number:05d}",
        "trackedEntityType": PERSON,
        "orgUnit": FACILITY,
        "attributes": [attr(uid, value) for uid, value in attributes],
    }


def refused(operate, state):
    error = error_of(operate, state)
    assert isinstance(error, RemoteRefused)
    return str(error)


each_aggregate = pytest.mark.parametrize(("version", "api_version"), AGGREGATE)


# Data value sets


@each_aggregate
def test_accepted_data_values_are_stored(dhis2, version, api_version):
    dhis2.reset(version)
    operate = data_value_sets(values((MEASLES, "12"), (DYSENTERY, "3")))
    after = operate(dhis2.state(apiVersion=api_version))
    assert dhis2.database.values == {
        (MEASLES, "202603", FACILITY): "12",
        (DYSENTERY, "202603", FACILITY): "3",
    }
    summary = after["data"].get("response", after["data"])
    assert summary["importCount"]["imported"] == 2
    assert ("response" in after["data"]) == (version >= 38 and api_version is None)


@each_aggregate
def test_unchanged_data_values_are_ignored_without_a_failure(dhis2, version, api_version):
    dhis2.reset(version)
    operate = data_value_sets(values((MEASLES, "12"), (DYSENTERY, "3")))
    operate(dhis2.state(apiVersion=api_version))
    after = operate(dhis2.state(apiVersion=api_version))
    summary = after["data"].get("response", after["data"])
    assert summary["importCount"]["ignored"] == 2
    assert summary["status"] == "SUCCESS"


@each_aggregate
def test_partly_ignored_data_values_fail_and_are_named(dhis2, version, api_version):
    dhis2.reset(version)
    value_set = values((MEASLES, "12"), ("Unknown0001", "Christopher"), (DYSENTERY, "3"))
    message = refused(data_value_sets(value_set), dhis2.state(apiVersion=api_version))
    code = 200 if version in {37, 43} or api_version == 37 else 409
    assert f"answered {code}" in message
    assert (
        "1 of 3 ignored (the others were imported): E7610 at dataElement Unknown0001, index 1"
        in message
    )
    assert "Christopher" not in message
    assert len(dhis2.database.values) == 2


@each_aggregate
def test_completely_ignored_data_values_fail_with_any_status(dhis2, version, api_version):
    dhis2.reset(version)
    value_set = values((MEASLES, "12"), orgUnit=FORBIDDEN)
    message = refused(data_value_sets(value_set), dhis2.state(apiVersion=api_version))
    is_old = version < 38 or api_version == 37
    assert f"answered {200 if is_old else 409}" in message
    assert f"1 of 1 ignored: E7612 at orgUnit {FORBIDDEN}" in message
    assert dhis2.database.values == {}


def test_conflict_of_an_old_version_is_named_by_its_object(dhis2):
    conflict = {"object": "Unknown0001", "value": "Data element not found or not accessible"}
    counts = {"imported": 1, "updated": 0, "ignored": 1, "deleted": 0}
    dhis2.respond_with({"status": "WARNING", "importCount": counts, "conflicts": [conflict]})
    message = refused(data_value_sets(values((MEASLES, "12"))), dhis2.state())
    assert (
        "1 of 2 ignored (the others were imported): a conflict at Unknown0001. The run's log"
        in message
    )


def test_conflict_object_that_is_a_value_is_not_quoted(dhis2, capsys):
    conflict = {"object": "Christopher", "value": "value Christopher must match NUMBER"}
    counts = {"imported": 0, "updated": 0, "ignored": 1, "deleted": 0}
    dhis2.respond_with({"status": "WARNING", "importCount": counts, "conflicts": [conflict]})
    message = refused(data_value_sets(values((MEASLES, "Christopher"))), dhis2.state())
    assert "1 of 1 ignored: a conflict. The run's log has DHIS2's own messages." in message
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
@pytest.mark.parametrize("enveloped", [True, False], ids=["envelope", "no envelope"])
def test_every_sign_of_a_failure_fails_the_run(dhis2, summary, enveloped):
    body = {"httpStatusCode": 200, "status": "OK", "response": summary} if enveloped else summary
    dhis2.respond_with(body)
    refused(data_value_sets(values((MEASLES, "12"))), dhis2.state())


def test_list_of_data_values_is_sent_as_a_set(dhis2):
    value = {"period": "202603", "orgUnit": FACILITY, **dv(MEASLES, "12")}
    data_value_sets([value])(dhis2.state())
    create("dataValueSets", [{**value, "value": "13"}])(dhis2.state())
    assert dhis2.database.values == {(MEASLES, "202603", FACILITY): "13"}


def test_query_of_data_values_is_sent(dhis2):
    operate = data_value_sets(values((MEASLES, "12")), query={"orgUnitIdScheme": "CODE"})
    operate(dhis2.state())
    assert dhis2.only.args.to_dict() == {"orgUnitIdScheme": "CODE"}


def test_error_lists_at_most_five_indexes_of_a_conflict(dhis2):
    message = refused(data_value_sets(values((MEASLES, "12"))), conflicting(dhis2, range(5)))
    assert "E7619 at index 0, 1, 2, 3, 4. The" in message
    message = refused(data_value_sets(values((MEASLES, "12"))), conflicting(dhis2, range(900)))
    assert "E7619 at index 0, 1, 2, 3, 4…. The" in message


def conflicting(dhis2, indexes):
    conflict = {"errorCode": "E7619", "indexes": list(indexes), "value": "no"}
    summary = {"status": "WARNING", "importCount": {"ignored": 1}, "conflicts": [conflict]}
    dhis2.respond_with({"status": "WARNING", "httpStatusCode": 200, "response": summary})
    return dhis2.state()


# Jobs


def test_asynchronous_import_is_a_configuration_error(dhis2):
    error = error_of(data_value_sets(values(), query={"async": "true"}), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "Remove async from the query" in str(error)
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
def test_queued_import_is_refused(dhis2, operate, response):
    dhis2.respond_with(
        {"httpStatusCode": 200, "status": "OK", "message": "x", "response": response}
    )
    message = refused(operate, dhis2.state())
    assert "answered 200 OK, but DHIS2 only queued the import (job cHh2OCTJvRw)" in message
    assert "Check its report in DHIS2 before you run the job again" in message


def test_location_of_a_created_object_is_not_a_job(dhis2):
    response = {"responseType": "ObjectReport", "uid": "a", "location": "/api/programs/a"}
    dhis2.respond_with({"httpStatusCode": 201, "status": "OK", "response": response}, 201)
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
def test_tracker_error_fails_with_any_status(dhis2, code):
    dhis2.respond_with(report("ERROR", errors=[error("E1031")], ignored=1), code)
    message = refused(EVENTS, dhis2.state())
    assert f"answered {code}" in message
    assert "1 of 1 ignored: E1031 (occurredAt is missing) at event Visit000001." in message


def test_repeated_tracker_error_is_named_once(dhis2):
    report_error = error("E1005", "TRACKED_ENTITY", "Person00001")
    types = {
        "TRACKED_ENTITY": {
            "objectReports": [{"uid": "Person00001", "errorReports": [report_error]}]
        }
    }
    dhis2.respond_with(
        report("ERROR", errors=[report_error, error("E1031")], ignored=2, types=types)
    )
    message = refused(EVENTS, dhis2.state())
    assert message.count("E1005 at trackedEntity Person00001") == 1
    assert message.count("E1031") == 1


def test_error_in_an_object_report_fails_the_run(dhis2):
    report_error = error("E1005", "TRACKED_ENTITY", "Person00001")
    types = {
        "TRACKED_ENTITY": {
            "objectReports": [{"uid": "Person00001", "errorReports": [report_error]}]
        }
    }
    dhis2.respond_with(report("OK", created=1, types=types))
    assert "E1005 at trackedEntity Person00001" in refused(EVENTS, dhis2.state())


def test_objects_ignored_without_a_reason_fail_the_run(dhis2):
    stats = {"created": 1, "ignored": 1}
    types = {"EVENT": {"stats": stats}, "RELATIONSHIP": {"stats": {"ignored": 0}}}
    dhis2.respond_with(report("OK", created=1, ignored=1, types=types))
    message = refused(EVENTS, dhis2.state())
    assert "1 of 2 ignored (the others were imported): DHIS2 gave no reason." in message


def test_message_of_an_aborted_import_is_logged(dhis2, capsys):
    dhis2.respond_with(
        {"status": "ERROR", "message": "Amina: an exception", "validationReport": {}}, 409
    )
    message = refused(EVENTS, dhis2.state())
    assert "a conflict. The run's log has DHIS2's own messages." in message
    assert "Amina" not in message
    assert "DHIS2 says: Amina: an exception" in capsys.readouterr().out


def test_uid_in_a_message_is_quoted_unless_it_is_a_value(dhis2):
    value = "A1234567890"
    message = f"Value `{value}` of attribute `{NATIONAL_ID}` and of Information is taken"
    dhis2.respond_with(report("ERROR", errors=[error("E1064", message=message)], ignored=1), 409)
    operate = tracker_import({"trackedEntities": [{"attributes": [attr(NATIONAL_ID, value)]}]})
    message = refused(operate, dhis2.state())
    assert f"at event Visit000001, {NATIONAL_ID}." in message
    assert value not in message
    assert "Information" not in message


def test_uid_inside_a_value_is_not_quoted(dhis2):
    message = "Value `A1234567890` is taken"
    dhis2.respond_with(report("ERROR", errors=[error("E1064", message=message)], ignored=1), 409)
    operate = tracker_import({"events": [{"dataValues": [dv(MEASLES, " A1234567890/7")]}]})
    assert "A1234567890" not in refused(operate, dhis2.state())


def test_invalid_codes_and_kinds_are_not_quoted(dhis2):
    invalid = error("Amina Sesay", "Kofi Mensah", "Kisumu")
    dhis2.respond_with(report("ERROR", errors=[invalid], ignored=1), 409)
    message = refused(EVENTS, dhis2.state())
    assert "1 of 1 ignored: a conflict. The" in message


def test_warnings_are_logged_and_the_report_becomes_data(dhis2, capsys):
    warning = {"warningCode": "E1308", "message": "Generated by program rule", "uid": "x"}
    dhis2.respond_with(report("WARNING", warnings=[warning], created=1))
    assert EVENTS(dhis2.state())["data"]["stats"]["created"] == 1
    assert capsys.readouterr().out == "DHIS2 warns: E1308 Generated by program rule\n"


# The old tracker


@pytest.mark.parametrize("version", [37, 38, 40, 41])
def test_old_tracker_accepts_one_object_or_a_list(dhis2, version):
    dhis2.reset(version)
    create("trackedEntityInstances", entity(1, (NAME, "Amina")))(dhis2.state())
    create("trackedEntityInstances", [entity(2), entity(3)])(dhis2.state())
    assert len(dhis2.database.old["trackedEntityInstances"]) == 3
    assert set(dhis2.requested) == {"POST /api/trackedEntityInstances"}


@pytest.mark.parametrize("version", [37, 38, 40, 41])
def test_error_of_a_partly_imported_list_says_so(dhis2, version, capsys):
    dhis2.reset(version)
    create("trackedEntityInstances", entity(1, (NATIONAL_ID, "N-1")))(dhis2.state())
    batch = [entity(2, (NATIONAL_ID, "N-1")), entity(3), entity(4, ("Unknown0001", "Amina"))]
    message = refused(create("trackedEntityInstances", batch), dhis2.state())
    assert "answered 409 CONFLICT: 2 of 3 ignored (the others were imported): " in message
    assert f"a conflict at {NATIONAL_ID}; a conflict at Unknown0001. The" in message
    assert "N-1" not in message
    assert "Non-unique attribute value 'N-1'" in capsys.readouterr().out
    assert list(dhis2.database.old["trackedEntityInstances"]) == ["Person00001", "Person00003"]


@pytest.mark.parametrize("version", [37, 41])
def test_update_replaces_an_entity_of_the_old_tracker(dhis2, version):
    dhis2.reset(version)
    create("trackedEntityInstances", entity(1, (NAME, "Amina")))(dhis2.state())
    update("trackedEntityInstances", "Person00001", entity(1, (NATIONAL_ID, "N-1")))(dhis2.state())
    stored = dhis2.database.old["trackedEntityInstances"]["Person00001"]
    assert stored["attributes"] == [attr(NATIONAL_ID, "N-1")]
    message = refused(
        update("trackedEntityInstances", "Person00001", entity(1, ("Unknown0001", 1))),
        dhis2.state(),
    )
    assert "1 of 1 ignored: a conflict at Unknown0001" in message
    destroy("trackedEntityInstances", "Person00001")(dhis2.state())
    assert dhis2.database.old["trackedEntityInstances"] == {}


@pytest.mark.parametrize("kind", ["events", "enrollments"])
def test_legacy_sends_events_and_enrollments_to_the_old_tracker(dhis2, kind):
    name = kind.removesuffix("s")
    data = {name: "Object00001", "eventDate": "2026-03-09"}
    create(kind, data, legacy=True)(dhis2.state())
    create(kind, [{name: "Object00002"}], legacy=True)(dhis2.state())
    update(kind, "Object00001", {"status": "COMPLETED"}, legacy=True)(dhis2.state())
    destroy(kind, "Object00002", legacy=True)(dhis2.state())
    assert dhis2.database.old[kind] == {"Object00001": {"status": "COMPLETED", name: "Object00001"}}
    assert {request.split()[1] for request in dhis2.requested} == {
        f"/api/{kind}",
        f"/api/{kind}/Object00001",
        f"/api/{kind}/Object00002",
    }


@pytest.mark.parametrize("version", [42, 43])
def test_removed_old_tracker_error_says_so(dhis2, version):
    dhis2.reset(version)
    operate = create("trackedEntityInstances", entity(1))
    message = refused(operate, dhis2.state())
    assert "DHIS2 2.42 removed the resources of the old tracker" in message
    error = error_of(operate, dhis2.state(apiVersion=version))
    assert isinstance(error, ConfigurationError)
    assert "Use trackedEntities, enrollments and events" in str(error)
    legacy = error_of(create("events", {}, legacy=True), dhis2.state(apiVersion=version))
    assert "The old tracker's events was removed in DHIS2 2.42" in str(legacy)
    assert len(dhis2.served.received) == 1


def test_conflicts_of_nested_events_fail_the_run(dhis2):
    conflict = {"object": "Unknown0001", "value": "no"}
    event = {"status": "ERROR", "importCount": {"ignored": 1}, "conflicts": [conflict]}
    inner = {"status": "SUCCESS", "importCount": {"imported": 1, "ignored": 0}}
    inner["events"] = {"status": "ERROR", "ignored": 1, "importSummaries": [event]}
    summary = {"status": "SUCCESS", "importCount": {"imported": 1, "ignored": 0}}
    summary["enrollments"] = {"status": "SUCCESS", "ignored": 0, "importSummaries": [inner]}
    response = {"status": "SUCCESS", "imported": 1, "ignored": 0, "importSummaries": [summary]}
    dhis2.respond_with({"status": "OK", "httpStatusCode": 200, "response": response})
    message = refused(create("trackedEntityInstances", entity(1)), dhis2.state())
    assert "a conflict at Unknown0001" in message


def test_description_of_a_failure_is_logged(dhis2, capsys):
    summary = {
        "status": "ERROR",
        "description": "Program is not assigned",
        "reference": "Obj0001abcd",
    }
    response = {"status": "ERROR", "ignored": 1, "imported": 0, "importSummaries": [summary]}
    dhis2.respond_with({"status": "ERROR", "httpStatusCode": 409, "response": response}, 409)
    message = refused(create("trackedEntityInstances", entity(1)), dhis2.state())
    assert "1 of 1 ignored: a conflict at Obj0001abcd." in message
    assert "Program is not assigned" in capsys.readouterr().out


# Metadata and single objects


@pytest.mark.parametrize("version", [37, 38, 42, 43])
def test_refused_metadata_fails_with_any_status(dhis2, version):
    dhis2.reset(version)
    units = [UNIT, {"id": "Unit0000002", "name": "Amina"}]
    message = refused(create("metadata", {"organisationUnits": units}), dhis2.state())
    assert f"answered {200 if version == 37 else 409}" in message
    assert "1 of 2 ignored (the others were imported): E4000 at shortName." in message
    assert "Amina" not in message


@pytest.mark.parametrize("version", [37, 38, 42, 43])
def test_accepted_metadata_is_stored(dhis2, version):
    dhis2.reset(version)
    create("metadata", {"organisationUnits": [UNIT]})(dhis2.state())
    assert dhis2.database.metadata["organisationUnits"] == {"Unit0000001": UNIT}


@pytest.mark.parametrize("operation", ["create", "update"])
def test_refused_object_error_names_the_missing_field(dhis2, operation):
    dhis2.database.metadata["organisationUnits"]["Unit0000001"] = UNIT
    wrong = {"name": "Amina"}
    operate = {
        "create": create("organisationUnits", wrong),
        "update": update("organisationUnits", "Unit0000001", wrong),
    }[operation]
    message = refused(operate, dhis2.state())
    assert "answered 409" in message
    assert "E4000 at shortName" in message
    assert dhis2.database.metadata["organisationUnits"] == {"Unit0000001": UNIT}


@pytest.mark.parametrize("code", [400, 409, 415, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"status": "ERROR", "message": "Amina"}',
        b'{"status": "OK"}',
        b"not JSON: Amina",
        b"<html>Amina</html>",
    ],
)
def test_refusal_of_any_shape_is_an_error_without_a_payload(dhis2, capsys, code, body):
    dhis2.served.failures.append(status(code, body))
    message = refused(CREATE, dhis2.state())
    assert f"answered {code}" in message
    assert "Amina" not in message
    out = capsys.readouterr().out
    assert "Amina" in out if b"Amina" in body else body.decode() in out
    assert out


@pytest.mark.parametrize("code", [200, 201, 204])
def test_empty_response_is_a_success(dhis2, code):
    dhis2.served.failures.append(status(code))
    assert CREATE(dhis2.state())["data"] is None


@pytest.mark.parametrize("body", [[], [1], "text", 7, None, {"status": "ACTIVE"}, {"stats": 1}])
def test_response_without_a_summary_is_a_success(dhis2, body):
    dhis2.respond_with(body)
    assert CREATE(dhis2.state())["data"] == body


IMPORTS = {
    "tracker": EVENTS,
    "dataValueSets": data_value_sets(values((MEASLES, "12"))),
    "metadata": create("metadata", {"organisationUnits": [UNIT]}),
    "trackedEntityInstances": create("trackedEntityInstances", entity(1)),
}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"status": "OK"}', b"fine", b"null"])
@pytest.mark.parametrize("operate", IMPORTS.values(), ids=IMPORTS)
def test_import_without_an_import_summary_is_refused(dhis2, operate, body):
    dhis2.served.failures.append(status(200, body))
    message = refused(operate, dhis2.state())
    assert "answered 200 OK without an import summary" in message


def test_server_error_with_a_client_error_body_is_retryable(dhis2):
    dhis2.respond_with({"status": "ERROR", "httpStatusCode": 500, "message": "no connection"}, 500)
    assert isinstance(error_of(EVENTS, dhis2.state()), RemoteUnavailable)
