"""Resources outside the tracker: operations and what the fake DHIS2 stores."""

from __future__ import annotations

import pytest

from adaptors.common import data_value
from adaptors.dhis2 import attr, create, destroy, get, patch, update, upsert
from adaptors.errors import ConfigurationError, RemoteRefused
from tests.adaptors.dhis2_server import FACILITY, NAME, NATIONAL_ID, PERSON, PROGRAM
from tests.support.errors import error_of

UNIT = {"id": "Unit0000001", "code": "OU_1", "name": "Ngelehun CHC", "shortName": "Ngelehun"}
BY_CODE = {"filter": "code:eq:OU_1"}


def units(dhis2):
    return dhis2.database.metadata["organisationUnits"]


def store(dhis2, *objects, version=40):
    dhis2.reset(version)
    units(dhis2).update({unit["id"]: unit for unit in objects})


def entity(number, *attributes):
    return {
        "trackedEntityInstance": f"Person{number:05d}",
        "trackedEntityType": PERSON,
        "orgUnit": FACILITY,
        "attributes": [attr(uid, value) for uid, value in attributes],
    }


# get


@pytest.fixture
def many_units(dhis2):
    """Store 1,201 organisation units and return their ids."""
    store(dhis2, *({"id": f"Unit{number:07d}", "name": "A"} for number in range(1201)))
    return list(units(dhis2))


@pytest.mark.parametrize("resource", ["organisationUnits", "organisationUnits?fields=id"])
def test_get_fetches_all_pages_of_a_list(dhis2, many_units, resource):
    data = get(resource, {"filter": "name:eq:A"})(dhis2.state())["data"]
    assert [unit["id"] for unit in data["organisationUnits"]] == many_units
    assert data["pager"] == {"page": 1, "pageCount": 1, "pageSize": 1201, "total": 1201}


def test_get_without_paging_and_of_one_page_is_one_request(dhis2, many_units):
    data = get("organisationUnits", {"paging": False})(dhis2.state())["data"]
    assert len(data["organisationUnits"]) == 1201
    page = get("organisationUnits", {"page": 13, "pageSize": 100})(dhis2.state())["data"]
    assert [unit["id"] for unit in page["organisationUnits"]] == many_units[1200:]
    assert page["pager"]["pageCount"] == 13
    assert len(dhis2.requested) == 2


@pytest.mark.parametrize(
    ("resource", "query"),
    [("organisationUnits", {"pageSize": 1200}), ("organisationUnits?pageSize=1200", None)],
)
def test_more_objects_than_page_size_asks_for_are_an_error(dhis2, many_units, resource, query):
    error = error_of(get(resource, query), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert f"has {len(many_units)} objects, and pageSize asks for 1200" in str(error)
    query = {**(query or {}), "pageSize": 1201}
    data = get("organisationUnits", query)(dhis2.state())["data"]
    assert len(data["organisationUnits"]) == 1201


@pytest.mark.parametrize("version", [40, 41, 42])
@pytest.mark.parametrize("count", [49, 50, 51, 501])
def test_get_fetches_all_pages_of_a_tracker_list(dhis2, version, count):
    dhis2.reset(version)
    events = {f"Visit{number:06d}": {"event": f"Visit{number:06d}"} for number in range(count)}
    dhis2.database.tracker["events"] = events
    data = get("events")(dhis2.state())["data"]
    listed = data["instances" if version == 40 else "events"]
    assert {event["event"] for event in listed} == set(events)
    assert len(listed) == count


@pytest.mark.parametrize(
    ("page", "last"),
    [
        ({"page": 1, "pageCount": 2}, {"page": 2, "pageCount": 2}),
        ({"nextPage": "https://x/api/dashboards?page=2"}, {}),
        ({"pager": {"nextPage": "https://x/api/dashboards?page=2"}}, {"pager": {}}),
    ],
)
def test_get_follows_a_pager_of_any_shape(dhis2, page, last):
    for fields, number in ((page, 1), (page, 1), (last, 2)):
        dhis2.respond_with({**fields, "dashboards": [{"id": number}]})
    data = get("dashboards")(dhis2.state())["data"]
    assert data["dashboards"] == [{"id": 1}, {"id": 2}]
    assert "nextPage" not in str(data)


def test_get_fetches_all_rows_of_an_analytics_table(dhis2):
    for number, uid in ((1, "a"), (1, "a"), (2, "b")):
        pager = {"page": number, "pageSize": 1, "isLastPage": number == 2}
        metadata = {"pager": pager, "items": {uid: {"name": uid}}}
        dhis2.respond_with({"headers": [{"name": "psi"}], "metaData": metadata, "rows": [[uid]]})
    data = get("analytics/events/query/eBAyeGv0exc")(dhis2.state())["data"]
    assert data["rows"] == [["a"], ["b"]]
    assert data["headers"] == [{"name": "psi"}]
    assert data["metaData"]["items"] == {"a": {"name": "a"}, "b": {"name": "b"}}
    assert data["metaData"]["pager"]["pageCount"] == 1


def test_a_server_that_always_sends_the_first_page_is_refused(dhis2):
    for _ in range(3):
        dhis2.respond_with({"pager": {"page": 1, "pageCount": 3}, "dashboards": [{"id": 1}]})
    error = error_of(get("dashboards"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "another page than page 2" in str(error)


def test_pages_that_cannot_be_combined_are_refused(dhis2):
    for page in (1, 1, 2):
        dhis2.respond_with({"pager": {"page": page, "pageCount": 2}, "headers": [1], "rows": [2]})
    error = error_of(get("metadataAudits"), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "cannot be combined" in str(error)


# create, update, destroy


def test_object_is_created_from_functions_of_the_state(dhis2):
    operate = create("/organisationUnits/", {**UNIT, "name": data_value("name")})
    after = operate(dhis2.state({"name": "Amina's"}))
    assert units(dhis2)["Unit0000001"]["name"] == "Amina's"
    assert after["data"]["response"]["uid"] == "Unit0000001"
    assert after["references"] == [{"name": "Amina's"}]


def test_query_is_sent_with_every_write(dhis2):
    store(dhis2, UNIT)
    query = {"mergeMode": "MERGE", "skipSharing": True}
    for operate in (
        update("organisationUnits", "Unit0000001", UNIT, query=query),
        patch("organisationUnits", "Unit0000001", {"code": "OU_2"}, query=query),
        destroy("organisationUnits", "Unit0000001", query=query),
        create("organisationUnits", UNIT, query=query),
    ):
        operate(dhis2.state())
    for received in dhis2.served.received:
        assert received.args.to_dict() == {"mergeMode": "MERGE", "skipSharing": "true"}


def test_list_of_metadata_is_refused_with_a_hint(dhis2):
    error = error_of(create("organisationUnits", [UNIT]), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "Send a list with create('metadata', {'organisationUnits': …})." in str(error)
    assert dhis2.served.received == []


def test_update_replaces_all_fields(dhis2):
    store(dhis2, UNIT)
    update("organisationUnits", "Unit0000001", {"name": "Bo", "shortName": "Bo"})(dhis2.state())
    assert units(dhis2) == {"Unit0000001": {"id": "Unit0000001", "name": "Bo", "shortName": "Bo"}}


def test_destroy_deletes_only_the_object_with_the_uid(dhis2):
    store(dhis2, UNIT, {**UNIT, "id": "Unit0000002"})
    destroy("organisationUnits", data_value("unit"))(dhis2.state({"unit": "Unit0000002"}))
    assert list(units(dhis2)) == ["Unit0000001"]


@pytest.mark.parametrize(
    "path", [None, "", "/", "..", "a/../b", "a//b", " ", 7, ["Unit0000001"], "Unit0000001/."]
)
@pytest.mark.parametrize("name", ["update", "patch", "destroy"])
def test_invalid_uid_is_a_configuration_error(dhis2, name, path):
    store(dhis2, UNIT)
    operate = {
        "update": update("organisationUnits", path, UNIT),
        "patch": patch("organisationUnits", path, UNIT),
        "destroy": destroy("organisationUnits", path),
    }[name]
    error = error_of(operate, dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "The uid of the object is missing" in str(error)
    assert dhis2.served.received == []
    assert len(units(dhis2)) == 1


def test_special_characters_of_a_path_are_escaped(dhis2):
    error_of(destroy("dataStore", "folder/a b?force=true#x"), dhis2.state())
    assert dhis2.only.path == "/api/dataStore/folder/a b?force=true#x"
    assert dhis2.only.args.to_dict() == {}


# patch


@pytest.mark.parametrize(
    ("version", "api_version"), [(36, 36), (37, 37), (37, None), (38, None), (43, 43)]
)
def test_patch_changes_its_fields_and_keeps_the_others(dhis2, version, api_version):
    store(dhis2, UNIT, version=version)
    operate = patch("organisationUnits", "Unit0000001", {"code": data_value("c")})
    operate(dhis2.state({"c": "OU_2"}, apiVersion=api_version))
    assert units(dhis2)["Unit0000001"] == {**UNIT, "code": "OU_2"}
    assert dhis2.only.method == "PATCH"


def test_slash_in_a_key_is_escaped_in_json_patch(dhis2):
    store(dhis2, UNIT)
    patch("organisationUnits", "Unit0000001", {"a/b~c": 1})(dhis2.state())
    assert dhis2.only.get_json() == [{"op": "add", "path": "/a~1b~0c", "value": 1}]


def test_json_patch_operations_are_sent_unchanged(dhis2):
    store(dhis2, UNIT)
    steps = [{"op": "add", "path": "/code", "value": "OU_2"}]
    patch("organisationUnits", "Unit0000001", steps)(dhis2.state())
    assert dhis2.only.get_json() == steps
    assert dhis2.only.mimetype == "application/json-patch+json"


# upsert


@pytest.mark.parametrize("version", [37, 40, 43])
def test_upsert_creates_a_missing_object(dhis2, version):
    dhis2.reset(version)
    upsert("organisationUnits", BY_CODE, UNIT)(dhis2.state())
    assert units(dhis2) == {"Unit0000001": UNIT}
    assert dhis2.requested == ["GET /api/organisationUnits", "POST /api/organisationUnits"]


@pytest.mark.parametrize("version", [37, 40, 43])
def test_upsert_updates_an_existing_object_and_keeps_other_fields(dhis2, version):
    store(dhis2, UNIT, {**UNIT, "id": "Unit0000002", "code": "OU_2"}, version=version)
    query = {"filter": lambda state: f"code:eq:{state['data']['code']}"}
    upsert("organisationUnits", query, {"name": data_value("name")})(
        dhis2.state({"code": "OU_1", "name": "Bo"})
    )
    assert units(dhis2)["Unit0000001"] == {**UNIT, "name": "Bo"}
    assert units(dhis2)["Unit0000002"]["name"] == "Ngelehun CHC"
    assert dhis2.requested[1] == "PUT /api/organisationUnits/Unit0000001"
    # Without all its fields the object could not be sent back completely.
    assert dhis2.served.received[0].args["fields"] == ":owner"


def test_upsert_twice_stores_one_object(dhis2):
    lacking = {key: value for key, value in UNIT.items() if key != "id"}
    operate = upsert("organisationUnits", BY_CODE, lacking)
    operate(dhis2.state())
    operate(dhis2.state())
    assert len(units(dhis2)) == 1


@pytest.mark.parametrize("number", [2, 3, 60])
def test_upsert_refuses_several_objects_and_counts_them(dhis2, number):
    store(dhis2, *({**UNIT, "id": f"Unit{n:07d}"} for n in range(number)))
    error = error_of(upsert("organisationUnits", BY_CODE, {"name": "Bo"}), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert f"The query finds {number} organisationUnits" in str(error)
    assert {unit["name"] for unit in units(dhis2).values()} == {"Ngelehun CHC"}
    assert len(dhis2.served.received) == 1


@pytest.mark.parametrize("query", [None, {}])
def test_upsert_needs_a_query(dhis2, query):
    error = error_of(upsert("organisationUnits", query, UNIT), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "upsert of organisationUnits needs a query" in str(error)


def test_upsert_accepts_one_object(dhis2):
    error = error_of(upsert("organisationUnits", BY_CODE, [UNIT]), dhis2.state())
    assert "upsert with a query needs one object, a dict" in str(error)


def test_upsert_refuses_a_response_without_a_list(dhis2):
    dhis2.respond_with({"id": "x"})
    error = error_of(upsert("organisationUnits", BY_CODE, UNIT), dhis2.state())
    assert "no list of organisationUnits" in str(error)


def test_upsert_refuses_an_object_without_a_uid(dhis2):
    dhis2.respond_with({"organisationUnits": [{"name": "Bo"}]})
    error = error_of(upsert("organisationUnits", BY_CODE, UNIT), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "An object of organisationUnits has no id" in str(error)


@pytest.mark.parametrize("version", [37, 41])
def test_upsert_in_the_old_tracker_keeps_other_attributes(dhis2, version):
    dhis2.reset(version)
    query = {"ou": FACILITY, "program": PROGRAM, "filter": f"{NATIONAL_ID}:eq:N-1"}
    old = entity(1, (NATIONAL_ID, "N-1"), (NAME, "Amina"))
    upsert("trackedEntityInstances", query, old)(dhis2.state())
    new = {"attributes": [attr(NAME, "Amina S.")]}
    upsert("trackedEntityInstances", query, new)(dhis2.state())
    (stored,) = dhis2.database.old["trackedEntityInstances"].values()
    assert stored["attributes"] == [attr(NATIONAL_ID, "N-1"), attr(NAME, "Amina S.")]
    assert stored["trackedEntityInstance"] == "Person00001"
    put = dhis2.served.received[-1]
    assert (put.method, put.args.to_dict()) == ("PUT", {"program": PROGRAM})
    fields = dhis2.served.received[2].args["fields"]
    assert "relationships" in fields
    assert "enrollments" not in fields


def test_upsert_in_the_old_tracker_uses_its_uid_field(dhis2):
    dhis2.database.old["events"]["Visit000001"] = {"event": "Visit000001", "status": "ACTIVE"}
    upsert("events", {"event": "Visit000001"}, {"status": "COMPLETED"}, legacy=True)(dhis2.state())
    assert dhis2.database.old["events"]["Visit000001"]["status"] == "COMPLETED"


def test_legacy_get_fetches_from_the_old_tracker(dhis2):
    dhis2.database.old["events"]["Visit000001"] = {
        "event": "Visit000001",
        "eventDate": "2026-03-09",
    }
    after = get("events/Visit000001", legacy=True)(dhis2.state())
    assert after["data"]["eventDate"] == "2026-03-09"
