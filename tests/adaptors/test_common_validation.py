"""What must hold before a job goes on."""

from __future__ import annotations

import warnings

import pytest

from adaptors.common import assert_, data_value, each, source_value, validate

CHILD = {
    "type": "object",
    "required": ["name"],
    "properties": {"age": {"type": "integer", "minimum": 0}, "group1/name": {"const": "x"}},
}
OTHER = {"type": "array"}


@pytest.mark.parametrize("condition", [True, 1, data_value("a"), lambda state: state["data"]["a"]])
def test_a_job_goes_on_where_what_it_asserts_is_so(condition):
    state = {"data": {"a": 1}}
    assert assert_(condition, "never")(state) is state


@pytest.mark.parametrize("condition", [False, 0, None, "", data_value("b"), lambda _: []])
def test_a_job_fails_where_what_it_asserts_is_not_so(condition):
    with pytest.raises(AssertionError, match=r"^no a in KOLO$"):
        assert_(condition, lambda state: f"no a in {state['site']}")({"data": {}, "site": "KOLO"})


def test_an_assertion_without_words_says_that_it_is_one():
    with pytest.raises(AssertionError, match="The assertion is false"):
        assert_(0)({})


def test_data_that_fits_leaves_the_state_as_it_is():
    state = {"data": {"name": "Amina", "age": 7}}
    assert validate(CHILD)(state) is state
    assert validate(CHILD, raises=True)(state) is state


def test_all_that_does_not_fit_is_on_the_state():
    data = {"age": -1.5, "group1/name": "y"}
    state = {"data": data, "schema": CHILD, "validation_errors": ["older"]}
    older, found = validate()(state)["validation_errors"]
    assert older == "older"
    assert found["data"] == data
    assert [(each["path"], each["rule"]) for each in found["errors"]] == [
        ("", "required"),
        ("age", "type"),
        ("age", "minimum"),
        ("['group1/name']", "const"),
    ]
    assert all(data_value(each["path"])({"data": data}) is not None for each in found["errors"])
    assert "'name' is a required property" in found["errors"][0]["message"]
    assert state["validation_errors"] == ["older"]


@pytest.mark.parametrize(
    "schema", [CHILD, "schemas.child", "$.schemas.child", source_value("schemas.child")]
)
@pytest.mark.parametrize(
    "data", ["form", "$.form", source_value("form"), {"age": source_value("form.age")}]
)
def test_schema_and_data_are_given_or_found_in_the_state(schema, data):
    state = {"schemas": {"child": CHILD}, "form": {"age": 7}}
    (found,) = validate(schema, data)(state)["validation_errors"]
    assert found["data"] == {"age": 7}
    assert found["errors"][0]["rule"] == "required"


def test_each_item_is_held_against_the_schema():
    state = {"data": [{"name": "A"}, {"age": 1}, {"name": 3, "age": "x"}]}
    after = each("[*]", validate(CHILD))(state)
    assert [found["data"] for found in after["validation_errors"]] == state["data"][1:]
    assert after["data"] == state["data"]


def test_if_asked_it_fails_with_the_places_and_never_a_value():
    data = {"age": "Zm9vYmFyMTIzNDU2"}
    with pytest.raises(ValueError, match="does not match") as caught:
        validate(CHILD, raises=True)({"data": data})
    assert str(caught.value) == (
        "The data does not match its schema: the data: required; age: type."
    )


def test_a_long_value_is_not_quoted_whole():
    (found,) = validate(OTHER)({"data": {"text": "x" * 10_000}})["validation_errors"]
    assert len(found["errors"][0]["message"]) <= 501


@pytest.mark.parametrize("draft", ["draft-04/schema#", "draft-07/schema#", "draft/2019-09/schema"])
def test_older_drafts_are_followed(draft):
    # `dependencies` ended with 2019-09, where `dependentRequired` began.
    schema = {
        "$schema": f"http{'s' if '2019' in draft else ''}://json-schema.org/{draft}",
        "dependencies": {"a": ["b"]},
        "dependentRequired": {"a": ["c"]},
    }
    (found,) = validate(schema)({"data": {"a": 1}})["validation_errors"]
    rules = {each["rule"] for each in found["errors"]}
    assert rules == ({"dependentRequired"} if "2019" in draft else {"dependencies"})


def test_a_draft_nobody_knows_is_read_as_the_newest():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert validate({"$schema": "http://example.org/mine"})({"data": 1}) == {"data": 1}


def test_a_schema_that_is_none_shows_where_the_job_says_it():
    with pytest.raises(ValueError, match=r"The schema is invalid at \$\.type: "):
        validate({"type": "objct"})


def test_a_schema_refers_to_itself_and_fetches_nothing(destination):
    schema = {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}
    (found,) = validate(schema)({"data": {"a": "x"}})["validation_errors"]
    assert found["errors"][0]["path"] == "a"
    away = f"{destination.url}/child.json"
    with pytest.raises(ValueError, match=f"refers to {away}, which it lacks"):
        validate({"$ref": away})({"data": 1})
    assert destination.received == []


@pytest.mark.parametrize(
    ("schema", "state"), [("schema", {}), (lambda _: 7, {}), ("a", {"a": "b"})]
)
def test_where_there_is_no_schema_it_is_said(schema, state):
    with pytest.raises(TypeError, match=r"A schema is a dict, not .*. Check its path"):
        validate(schema)({"data": 1, **state})


def test_a_path_that_cannot_be_read_shows_where_the_job_says_it():
    for schema, data in [("a..b", "data"), (CHILD, "a..b")]:
        with pytest.raises(ValueError, match="is not valid"):
            validate(schema, data)
