"""Functions of the state that return values."""

from __future__ import annotations

import pytest

from adaptors.common import (
    data_path,
    data_value,
    field,
    fields,
    index,
    join,
    json_value,
    last_reference_value,
    merge,
    reference_path,
    resolve,
    source,
    source_value,
)

STATE = {
    "data": {
        "village": "Kolo",
        "children": [{"name": "Amina"}, {"name": "Kofi", "village": "Bana"}],
        "child": {"name": "Amina"},
        "form.xml": 1,
        "data": {"x": "inner"},
    },
    "request": {"query_params": {"site": "A"}},
    "references": [{"id": 2}, {"id": 1}],
}


def test_values_are_resolved_from_the_state():
    state = {
        "data": {"group1/age": "7"},
        "request": {"query_params": {"site": "A"}},
        "references": [{"id": 2}, {"id": 1}],
    }
    assert data_value("group1/age")(state) == "7"
    assert source_value("request.query_params.site")(state) == "A"
    assert source_value("references[1].id")(state) == 1
    assert last_reference_value("id")(state) == 2


def test_newest_reference_may_be_a_list_or_used_completely():
    state = {"references": [[{"id": 2}], "older"]}
    assert last_reference_value("[0].id")(state) == 2
    assert last_reference_value("")(state) == [{"id": 2}]


@pytest.mark.parametrize("value", [data_value("a"), source_value("a.b"), last_reference_value("a")])
def test_missing_values_are_none(value):
    assert value({}) is None
    assert value({"data": None, "references": []}) is None


def test_last_field_with_a_key_wins():
    assert fields(field("a", 1), field("b", 2), field("a", 3)) == {"a": 3, "b": 2}
    assert fields() == {}


def test_fields_are_resolved_like_any_dict():
    pairs = fields(field("age", data_value("age")))
    assert resolve({"data": {"age": 7}}, pairs) == {"age": 7}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.village", "Kolo"),
        ("$.child.name", "Amina"),
        ("$['form.xml']", 1),
        ("$.children[-1:].name", "Kofi"),
        ("$.children[?(@.village == 'Bana')].name", "Kofi"),
        ("$..name", "Amina"),
        ("data.x", "inner"),
        ("$['data'].x", "inner"),
        ("$", STATE["data"]),
        ("children", STATE["data"]["children"]),
        ("children[*]", {"name": "Amina"}),
        (lambda state: f"children[{len(state['references']) - 1}].name", "Kofi"),
    ],
)
def test_path_with_a_dollar_is_jsonpath_in_the_data(path, value):
    assert data_value(path)(STATE) == value


@pytest.mark.parametrize("offer", [data_value, data_path])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("$.data.form.x", "Write 'form.x', or 'data.form.x' for a key `data` in it"),
        ("$.data[0].x", r"Write '\[0\].x', or 'data\[0\].x' for"),
        ("$.data", "Write '', or 'data' for"),
    ],
)
def test_path_to_data_in_the_data_is_refused(offer, path, words):
    with pytest.raises(ValueError, match=f"already is the data. {words}"):
        offer(path)


def test_key_that_begins_with_data_is_allowed():
    assert data_value("$.data_of_birth")({"data": {"data_of_birth": "2020"}}) == "2020"
    assert data_value("$..data")({"data": {"a": {"data": 1}}}) == 1


@pytest.mark.parametrize("offer", [data_value, source_value, source, last_reference_value])
@pytest.mark.parametrize("path", ["a..b", "$.a..", "a[-1:]"])
def test_invalid_path_fails_at_the_call(offer, path):
    with pytest.raises(ValueError, match=r"is not valid.*\$"):
        offer(path)


def test_source_returns_all_values_and_source_value_the_first():
    assert source("data.children[*].name")(STATE) == ["Amina", "Kofi"]
    assert source("$.data.children[*].name")(STATE) == ["Amina", "Kofi"]
    assert source("$.missing")(STATE) == []
    assert source_value("$.data.children[*].name")(STATE) == "Amina"
    assert source_value("$.request.query_params.site")(STATE) == "A"
    assert source(lambda _: "references[*].id")(STATE) == [2, 1]


def test_newest_reference_accepts_jsonpath():
    assert last_reference_value("$.id")(STATE) == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("form.case", "$.data.form.case"),
        ("$.form.case", "$.data.form.case"),
        ("$..case", "$.data..case"),
        ("[0].name", "$.data[0].name"),
        ("['form.xml']", "$.data['form.xml']"),
        ("data.x", "$.data.data.x"),
        ("", "$.data"),
        ("$", "$.data"),
    ],
)
def test_data_path_starts_at_the_state(path, expected):
    assert data_path(path) == expected
    assert source_value(expected)(STATE) == data_value(path)(STATE)


def test_reference_path_needs_an_index():
    assert reference_path("[1].id") == "$.references[1].id"
    assert source_value(reference_path("[1].id"))(STATE) == 1
    assert source(reference_path("$[*].id"))(STATE) == [2, 1]
    with pytest.raises(ValueError, match=r"Write reference_path\('\[0\].id'\)"):
        reference_path("id")


def test_index_is_the_number_of_the_current_item():
    assert resolve({"index": 2}, {"n": index()}) == {"n": 2}
    assert index()({}) is None


def test_json_value_accepts_paths_like_data_value():
    assert json_value({"a": [{"b": 1}]}, "a[0].b") == 1
    assert json_value({"a": [{"b": 1}]}, "$..b") == 1
    assert json_value({}, "a") is None


def test_merge_adds_fields_of_the_state_to_every_item():
    more = fields(field("village", data_value("village")), field("site", "A"))
    expected = [
        {"name": "Amina", "village": "Kolo", "site": "A"},
        {"name": "Kofi", "village": "Kolo", "site": "A"},
    ]
    for items in ("children[*]", "children", "$.data.children[*]", data_value("children")):
        assert merge(items, more)(STATE) == expected
    assert merge("children", lambda _: {"site": "A", "village": "Kolo"})(STATE) == expected
    assert STATE["data"]["children"][0] == {"name": "Amina"}


def test_merge_treats_a_single_value_as_a_list():
    assert merge("child", {"n": 1})(STATE) == [{"name": "Amina", "n": 1}]
    assert merge("missing", {"n": 1})(STATE) == []


@pytest.mark.parametrize("source", ["village", "$.data.village", data_value("village")])
def test_join_adds_a_value_but_replaces_no_value_of_an_item(source):
    expected = [{"name": "Amina", "village": "Kolo"}, {"name": "Kofi", "village": "Bana"}]
    assert join("children[*]", source, "village")(STATE) == expected
    assert join("$.data.children", source, "village")(STATE) == expected


def test_join_uses_the_first_value_of_a_path():
    assert join("child", "$.references[*].id", "id")(STATE) == [{"id": 2, "name": "Amina"}]
    assert join("child", "missing", "id")(STATE) == [{"name": "Amina"}]


@pytest.mark.parametrize("offer", [lambda p: merge(p, {}), lambda p: join(p, "a", "k")])
def test_invalid_source_path_fails_at_the_call(offer):
    with pytest.raises(ValueError, match="is not valid"):
        offer("a..b")


def test_invalid_path_of_a_joined_value_fails_at_the_call():
    with pytest.raises(ValueError, match="is not valid"):
        join("a", "b..c", "k")
