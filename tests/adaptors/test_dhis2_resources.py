"""Resources of DHIS2 that are not the tracker's, by what it holds afterwards."""

from __future__ import annotations

import pytest

from adaptors.common import data_value
from adaptors.dhis2 import attr, create, destroy, get, patch, update, upsert
from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused
from tests.adaptors.dhis2_server import FACILITY, NAME, NATIONAL_ID, PERSON, PROGRAM

UNIT = {"id": "Unit0000001", "code": "OU_1", "name": "Ngelehun CHC", "shortName": "Ngelehun"}
BY_CODE = {"filter": "code:eq:OU_1"}


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def units(dhis2):
    return dhis2.holds.metadata["organisationUnits"]


def holding(dhis2, *objects, version=40):
    dhis2.begin(version)
    units(dhis2).update({each["id"]: each for each in objects})


def entity(number, *attributes):
    made = {"trackedEntityInstance": f"Person{number:05d}", "trackedEntityType": PERSON}
    return {**made, "orgUnit": FACILITY, "attributes": [attr(*each) for each in attributes]}


# create, update, destroy


def test_an_object_is_created_of_values_of_the_state(dhis2):
    operate = create("/organisationUnits/", {**UNIT, "name": data_value("name")})
    after = operate(dhis2.state({"name": "Amina's"}))
    assert units(dhis2)["Unit0000001"]["name"] == "Amina's"
    assert after["data"]["response"]["uid"] == "Unit0000001"
    assert after["references"] == [{"name": "Amina's"}]


def test_what_the_query_says_is_sent_with_every_write(dhis2):
    holding(dhis2, UNIT)
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


def test_many_objects_of_metadata_are_sent_with_metadata(dhis2):
    error = error_of(create("organisationUnits", [UNIT]), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "send a list of metadata as create('metadata', {'organisationUnits': …})" in str(error)
    assert dhis2.served.received == []


def test_update_replaces_the_whole_object(dhis2):
    holding(dhis2, UNIT)
    update("organisationUnits", "Unit0000001", {"name": "Bo", "shortName": "Bo"})(dhis2.state())
    assert units(dhis2) == {"Unit0000001": {"id": "Unit0000001", "name": "Bo", "shortName": "Bo"}}


def test_destroy_deletes_the_object_of_the_uid_and_no_other(dhis2):
    holding(dhis2, UNIT, {**UNIT, "id": "Unit0000002"})
    destroy("organisationUnits", data_value("unit"))(dhis2.state({"unit": "Unit0000002"}))
    assert list(units(dhis2)) == ["Unit0000001"]


@pytest.mark.parametrize(
    "path", [None, "", "/", "..", "a/../b", "a//b", " ", 7, ["Unit0000001"], "Unit0000001/."]
)
@pytest.mark.parametrize("name", ["update", "patch", "destroy"])
def test_an_object_that_is_not_named_is_the_authors_mistake(dhis2, name, path):
    holding(dhis2, UNIT)
    operate = {
        "update": update("organisationUnits", path, UNIT),
        "patch": patch("organisationUnits", path, UNIT),
        "destroy": destroy("organisationUnits", path),
    }[name]
    error = error_of(operate, dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "the object is named by its uid" in str(error)
    assert dhis2.served.received == []
    assert len(units(dhis2)) == 1


def test_what_stands_in_a_path_stays_in_the_path(dhis2):
    error_of(destroy("dataStore", "place/a b?force=true#x"), dhis2.state())
    assert dhis2.only.path == "/api/dataStore/place/a b?force=true#x"
    assert dhis2.only.args.to_dict() == {}


# patch


@pytest.mark.parametrize(
    ("version", "named"), [(36, 36), (37, 37), (37, None), (38, None), (43, 43)]
)
def test_patch_changes_what_it_names_and_keeps_the_rest(dhis2, version, named):
    holding(dhis2, UNIT, version=version)
    operate = patch("organisationUnits", "Unit0000001", {"code": data_value("c")})
    operate(dhis2.state({"c": "OU_2"}, apiVersion=named))
    assert units(dhis2)["Unit0000001"] == {**UNIT, "code": "OU_2"}
    assert dhis2.only.method == "PATCH"


def test_a_key_with_a_slash_is_one_key_of_the_patch(dhis2):
    holding(dhis2, UNIT)
    patch("organisationUnits", "Unit0000001", {"a/b~c": 1})(dhis2.state())
    assert dhis2.only.get_json() == [{"op": "add", "path": "/a~1b~0c", "value": 1}]


def test_a_list_of_operations_is_sent_as_it_is(dhis2):
    holding(dhis2, UNIT)
    steps = [{"op": "add", "path": "/code", "value": "OU_2"}]
    patch("organisationUnits", "Unit0000001", steps)(dhis2.state())
    assert dhis2.only.get_json() == steps
    assert dhis2.only.mimetype == "application/json-patch+json"


# upsert


@pytest.mark.parametrize("version", [37, 40, 43])
def test_upsert_creates_what_the_query_does_not_find(dhis2, version):
    dhis2.begin(version)
    upsert("organisationUnits", BY_CODE, UNIT)(dhis2.state())
    assert units(dhis2) == {"Unit0000001": UNIT}
    assert dhis2.asked == ["GET /api/organisationUnits", "POST /api/organisationUnits"]


@pytest.mark.parametrize("version", [37, 40, 43])
def test_upsert_changes_the_one_that_is_found_and_keeps_what_is_not_named(dhis2, version):
    holding(dhis2, UNIT, {**UNIT, "id": "Unit0000002", "code": "OU_2"}, version=version)
    query = {"filter": lambda state: f"code:eq:{state['data']['code']}"}
    upsert("organisationUnits", query, {"name": data_value("name")})(
        dhis2.state({"code": "OU_1", "name": "Bo"})
    )
    assert units(dhis2)["Unit0000001"] == {**UNIT, "name": "Bo"}
    assert units(dhis2)["Unit0000002"]["name"] == "Ngelehun CHC"
    assert dhis2.asked[1] == "PUT /api/organisationUnits/Unit0000001"
    # Without all of its fields the object could not be sent back whole.
    assert dhis2.served.received[0].args["fields"] == ":owner"


def test_upsert_twice_ends_with_one_object(dhis2):
    lacking = {key: value for key, value in UNIT.items() if key != "id"}
    operate = upsert("organisationUnits", BY_CODE, lacking)
    operate(dhis2.state())
    operate(dhis2.state())
    assert len(units(dhis2)) == 1


@pytest.mark.parametrize("number", [2, 3, 60])
def test_upsert_refuses_to_choose_and_says_how_many_are_found(dhis2, number):
    holding(dhis2, *({**UNIT, "id": f"Unit{n:07d}"} for n in range(number)))
    error = error_of(upsert("organisationUnits", BY_CODE, {"name": "Bo"}), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert f"the query finds {number} of organisationUnits" in str(error)
    assert {each["name"] for each in units(dhis2).values()} == {"Ngelehun CHC"}
    assert len(dhis2.served.received) == 1


@pytest.mark.parametrize("query", [None, {}])
def test_upsert_needs_a_query(dhis2, query):
    error = error_of(upsert("organisationUnits", query, UNIT), dhis2.state())
    assert isinstance(error, ConfigurationError)
    assert "upsert of organisationUnits needs a query" in str(error)


def test_upsert_takes_one_object(dhis2):
    error = error_of(upsert("organisationUnits", BY_CODE, [UNIT]), dhis2.state())
    assert "upsert with a query takes one object, a dict" in str(error)


def test_upsert_says_when_the_answer_has_no_list(dhis2):
    dhis2.says({"id": "x"})
    error = error_of(upsert("organisationUnits", BY_CODE, UNIT), dhis2.state())
    assert "no list of organisationUnits" in str(error)


def test_upsert_says_when_what_is_found_has_no_uid(dhis2):
    dhis2.says({"organisationUnits": [{"name": "Bo"}]})
    error = error_of(upsert("organisationUnits", BY_CODE, UNIT), dhis2.state())
    assert isinstance(error, RemoteRefused)
    assert "what DHIS2 finds of organisationUnits has no id" in str(error)


@pytest.mark.parametrize("version", [37, 41])
def test_upsert_in_the_old_tracker_keeps_the_attributes_that_are_not_named(dhis2, version):
    dhis2.begin(version)
    query = {"ou": FACILITY, "program": PROGRAM, "filter": f"{NATIONAL_ID}:eq:N-1"}
    old = entity(1, (NATIONAL_ID, "N-1"), (NAME, "Amina"))
    upsert("trackedEntityInstances", query, old)(dhis2.state())
    new = {"attributes": [attr(NAME, "Amina S.")]}
    upsert("trackedEntityInstances", query, new)(dhis2.state())
    (kept,) = dhis2.holds.old["trackedEntityInstances"].values()
    assert kept["attributes"] == [attr(NATIONAL_ID, "N-1"), attr(NAME, "Amina S.")]
    assert kept["trackedEntityInstance"] == "Person00001"
    put = dhis2.served.received[-1]
    assert (put.method, put.args.to_dict()) == ("PUT", {"program": PROGRAM})
    asked = dhis2.served.received[2].args["fields"]
    assert "relationships" in asked
    assert "enrollments" not in asked


def test_upsert_in_the_old_tracker_by_the_uid_of_its_kind(dhis2):
    dhis2.holds.old["events"]["Visit000001"] = {"event": "Visit000001", "status": "ACTIVE"}
    upsert("events", {"event": "Visit000001"}, {"status": "COMPLETED"}, legacy=True)(dhis2.state())
    assert dhis2.holds.old["events"]["Visit000001"]["status"] == "COMPLETED"


def test_what_is_fetched_of_the_old_tracker_is_its_own(dhis2):
    dhis2.holds.old["events"]["Visit000001"] = {"event": "Visit000001", "eventDate": "2026-03-09"}
    after = get("events/Visit000001", legacy=True)(dhis2.state())
    assert after["data"]["eventDate"] == "2026-03-09"
