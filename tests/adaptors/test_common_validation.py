"""Assertions, and validation against a JSON Schema."""

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
def test_true_assertion_continues(condition):
    state = {"data": {"a": 1}}
    assert assert_(condition, "never")(state) is state


@pytest.mark.parametrize("condition", [False, 0, None, "", data_value("b"), lambda _: []])
def test_false_assertion_fails(condition):
    with pytest.raises(AssertionError, match=r"^no a in KOLO$"):
        assert_(condition, lambda state: f"no a in {state['site']}")({"data": {}, "site": "KOLO"})


def test_assertion_has_a_default_message():
    with pytest.raises(AssertionError, match="The assertion is false"):
        assert_(0)({})


def test_valid_data_leaves_the_state_unchanged():
    state = {"data": {"name": "Amina", "age": 7}}
    assert validate(CHILD)(state) is state
    assert validate(CHILD, raises=True)(state) is state


def test_all_validation_errors_are_on_the_state():
    data = {"age": -1.5, "group1/name": "y"}
    state = {"data": data, "schema": CHILD, "validation_errors": ["older"]}
    older, invalid = validate()(state)["validation_errors"]
    assert older == "older"
    assert invalid["data"] == data
    assert [(error["path"], error["rule"]) for error in invalid["errors"]] == [
        ("", "required"),
        ("age", "type"),
        ("age", "minimum"),
        ("['group1/name']", "const"),
    ]
    assert all(data_value(error["path"])({"data": data}) is not None for error in invalid["errors"])
    assert "'name' is a required property" in invalid["errors"][0]["message"]
    assert state["validation_errors"] == ["older"]


@pytest.mark.parametrize(
    "schema", [CHILD, "schemas.child", "$.schemas.child", source_value("schemas.child")]
)
@pytest.mark.parametrize(
    "data", ["form", "$.form", source_value("form"), {"age": source_value("form.age")}]
)
def test_schema_and_data_may_be_paths_or_functions(schema, data):
    state = {"schemas": {"child": CHILD}, "form": {"age": 7}}
    (invalid,) = validate(schema, data)(state)["validation_errors"]
    assert invalid["data"] == {"age": 7}
    assert invalid["errors"][0]["rule"] == "required"


def test_every_item_is_validated():
    state = {"data": [{"name": "A"}, {"age": 1}, {"name": 3, "age": "x"}]}
    after = each("[*]", validate(CHILD))(state)
    assert [invalid["data"] for invalid in after["validation_errors"]] == state["data"][1:]
    assert after["data"] == state["data"]


def test_raised_error_names_paths_and_no_value():
    data = {"age": "Zm9vYmFyMTIzNDU2"}
    with pytest.raises(ValueError, match="does not match") as caught:
        validate(CHILD, raises=True)({"data": data})
    assert str(caught.value) == (
        "The data does not match its schema: the data: required; age: type."
    )


def test_long_value_is_shortened():
    (invalid,) = validate(OTHER)({"data": {"text": "x" * 10_000}})["validation_errors"]
    assert len(invalid["errors"][0]["message"]) <= 501


@pytest.mark.parametrize("draft", ["draft-04/schema#", "draft-07/schema#", "draft/2019-09/schema"])
def test_older_drafts_are_supported(draft):
    # `dependencies` ended with 2019-09, where `dependentRequired` began.
    schema = {
        "$schema": f"http{'s' if '2019' in draft else ''}://json-schema.org/{draft}",
        "dependencies": {"a": ["b"]},
        "dependentRequired": {"a": ["c"]},
    }
    (invalid,) = validate(schema)({"data": {"a": 1}})["validation_errors"]
    rules = {error["rule"] for error in invalid["errors"]}
    assert rules == ({"dependentRequired"} if "2019" in draft else {"dependencies"})


def test_unknown_draft_is_treated_as_the_newest():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert validate({"$schema": "http://example.org/mine"})({"data": 1}) == {"data": 1}


def test_invalid_schema_fails_at_the_call():
    with pytest.raises(ValueError, match=r"The schema is invalid at \$\.type: "):
        validate({"type": "objct"})


def test_schema_with_external_reference_fetches_nothing(destination):
    schema = {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}
    (invalid,) = validate(schema)({"data": {"a": "x"}})["validation_errors"]
    assert invalid["errors"][0]["path"] == "a"
    away = f"{destination.url}/child.json"
    with pytest.raises(ValueError, match=f"refers to {away}, which it lacks"):
        validate({"$ref": away})({"data": 1})
    assert destination.received == []


@pytest.mark.parametrize(
    ("schema", "state"), [("schema", {}), (lambda _: 7, {}), ("a", {"a": "b"})]
)
def test_missing_schema_is_an_error(schema, state):
    with pytest.raises(TypeError, match=r"A schema is a dict, not .*. Check its path"):
        validate(schema)({"data": 1, **state})


def test_invalid_path_fails_at_the_call():
    for schema, data in [("a..b", "data"), (CHILD, "a..b")]:
        with pytest.raises(ValueError, match="is not valid"):
            validate(schema, data)
