"""Operations and values for every job."""

from __future__ import annotations

from datetime import date

import pytest

from adaptors import outbox
from adaptors.common import (
    data_value,
    each,
    emit,
    field,
    fields,
    fn,
    last_reference_value,
    source_value,
    to_array,
)
from adaptors.errors import ConfigurationError
from adaptors.operations import next_state, operation, resolve

note = fn(lambda state: {**state, "seen": [*state.get("seen", []), state["data"]]})
count = fn(lambda state: {**state, "counted": [*state.get("counted", []), state["index"]]})


@operation
def label(state, text, *, tags=None):
    """Put a label on the state."""
    return {**state, "label": text, "tags": tags}


def test_an_operation_is_offered_without_the_state():
    assert label("x")({"data": 1}) == {"data": 1, "label": "x", "tags": None}


def test_an_operation_keeps_its_name_and_its_documentation():
    assert (label.__name__, label.__doc__) == ("label", "Put a label on the state.")


@pytest.mark.parametrize(("args", "named"), [((), {}), (("x", "y"), {}), (("x",), {"colour": 1})])
def test_a_wrong_argument_shows_where_the_job_says_it(args, named):
    with pytest.raises(TypeError, match="argument"):
        label(*args, **named)


def test_arguments_by_position_and_by_name_are_resolved_when_the_operation_runs():
    operate = label(data_value("name"), tags=[data_value("age"), "fixed"])
    assert operate({"data": {"name": "Amina", "age": 7}})["label"] == "Amina"
    assert operate({"data": {"name": "Kofi", "age": 8}})["tags"] == [8, "fixed"]


def test_values_are_resolved_at_any_depth():
    wish = {"a": [{"b": data_value("x")}, lambda state: {"c": data_value("y"), "d": state["e"]}]}
    state = {"data": {"x": 1, "y": 2}, "e": 3}
    assert resolve(state, wish) == {"a": [{"b": 1}, {"c": 2, "d": 3}]}


@pytest.mark.parametrize("value", [None, 0, "text", int, {"type": str}, (1, 2), b"bytes"])
def test_what_is_no_function_of_the_state_is_left_as_it_is(value):
    assert resolve({}, value) == value


def test_resolving_changes_neither_the_wish_nor_the_state():
    state, wish = {"data": {"x": [1]}}, {"a": [data_value("x")]}
    resolve(state, wish)["a"].append(2)
    assert state == {"data": {"x": [1]}}
    assert len(wish["a"]) == 1


def test_an_answer_becomes_the_data_and_the_data_before_it_the_newest_reference():
    state = {"data": "first", "references": [], "kept": True}
    after = next_state(next_state(state, "second"), "third")
    assert after == {"data": "third", "references": ["second", "first"], "kept": True}
    assert state == {"data": "first", "references": [], "kept": True}


def test_a_state_without_data_or_references_takes_an_answer_too():
    assert next_state({}, 1) == {"data": 1, "references": [None]}


@pytest.mark.parametrize(
    ("data", "path", "seen"),
    [
        ({"names": ["A", "B"]}, "names[*]", ["A", "B"]),
        ({"names": ["A", "B"]}, "names", ["A", "B"]),
        ({"names": []}, "names[*]", []),
        ({"names": []}, "names", []),
        ({}, "names[*]", []),
        ({}, "names", []),
        ({"names": None}, "names", []),
        ({"child": {"name": "A"}}, "child", [{"name": "A"}]),
        ({"child": [{"name": "A"}, {"name": "B"}]}, "child", [{"name": "A"}, {"name": "B"}]),
        ({"data": [{"n": 1}, {"n": 2}]}, "data[*].n", [1, 2]),
        ([1, 2], "[*]", [1, 2]),
        ([1, 2], "", [1, 2]),
    ],
)
def test_each_applies_to_every_item_at_a_path(data, path, seen):
    after = each(path, note)({"data": data})
    assert after.get("seen", []) == seen
    assert after["data"] == data


@pytest.mark.parametrize(
    ("rows", "seen"), [([[1, 2]], [[1, 2]]), ([[1, 2], [3]], [[1, 2], [3]]), ([None], [None])]
)
def test_each_with_a_star_takes_the_items_as_they_are_however_many_there_are(rows, seen):
    assert each("rows[*]", note)({"data": {"rows": rows}})["seen"] == seen


@pytest.mark.parametrize("visits", [1, 2, 3])
def test_each_takes_the_children_of_all_visits_however_many_there_are(visits):
    data = {"visits": [{"children": [f"{n}a", f"{n}b"]} for n in range(visits)]}
    seen = each("visits[*].children", note)({"data": data})["seen"]
    assert seen == [f"{n}{letter}" for n in range(visits) for letter in "ab"]


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        ({"child": [{"name": "A"}, {"name": "B"}]}, [{"name": "A"}, {"name": "B"}]),
        ({"child": {"name": "A"}}, [{"name": "A"}]),
        ({"child": "A text"}, ["A text"]),
        ({"child": []}, []),
        ({}, []),
    ],
)
def test_each_takes_a_value_as_it_takes_a_path(data, seen):
    by_value = each(data_value("child"), note)({"data": data})
    assert by_value.get("seen", []) == seen
    assert by_value == each("child", note)({"data": data})


def test_each_takes_any_items_a_function_of_the_state_gives():
    operate = each(lambda state: (n * 2 for n in state["data"]), note)
    assert operate({"data": [1, 2]})["seen"] == [2, 4]


def test_each_applies_its_operations_in_order_and_counts_from_0():
    trail = each("[*]", fn(lambda s: {**s, "data": s["data"] + 1}), note, count)({"data": [1, 5]})
    assert (trail["seen"], trail["counted"]) == ([2, 6], [0, 1])


def test_each_leaves_no_index_behind():
    assert "index" not in each("[*]", note)({"data": [1]})


def test_an_each_inside_an_each_gives_the_outer_index_back():
    data = {"visits": [{"children": ["a", "b"]}, {"children": ["c"]}]}
    after = each("visits[*]", each("children", note), count)({"data": data})
    assert after["seen"] == ["a", "b", "c"]
    assert after["counted"] == [0, 1]
    assert after["data"] == data


def test_each_gives_back_the_data_and_keeps_what_else_changed():
    answered = fn(lambda state: next_state(state, {"id": state["data"]}))
    after = each("[*]", answered)({"data": ["a", "b"], "references": ["old"]})
    assert after == {"data": ["a", "b"], "references": ["b", "a", "old"]}


def test_values_stand_for_what_the_state_holds():
    state = {
        "data": {"group1/age": "7"},
        "request": {"query_params": {"site": "A"}},
        "references": [{"id": 2}, {"id": 1}],
    }
    assert data_value("group1/age")(state) == "7"
    assert source_value("request.query_params.site")(state) == "A"
    assert source_value("references[1].id")(state) == 1
    assert last_reference_value("id")(state) == 2


def test_the_newest_reference_may_be_a_list_or_be_wanted_whole():
    state = {"references": [[{"id": 2}], "older"]}
    assert last_reference_value("[0].id")(state) == 2
    assert last_reference_value("")(state) == [{"id": 2}]


@pytest.mark.parametrize("value", [data_value("a"), source_value("a.b"), last_reference_value("a")])
def test_values_are_none_where_there_is_nothing(value):
    assert value({}) is None
    assert value({"data": None, "references": []}) is None


def test_fields_make_a_dict_of_which_the_later_wins():
    assert fields(field("a", 1), field("b", 2), field("a", 3)) == {"a": 3, "b": 2}
    assert fields() == {}


def test_fields_are_resolved_like_any_dict():
    pairs = fields(field("age", data_value("age")))
    assert resolve({"data": {"age": 7}}, pairs) == {"age": 7}


@pytest.mark.parametrize(
    ("value", "array"), [(None, []), ([], []), ([1], [1]), ({"a": 1}, [{"a": 1}]), (0, [0])]
)
def test_a_repeat_becomes_a_list_whether_one_or_many(value, array):
    assert to_array(value) == array


def test_what_is_emitted_is_handed_to_whoever_executes_the_job():
    taken = []
    state = {"data": {"a": date(2026, 3, 9), "n": [1]}, "mine": 1}
    with outbox.handing_to(lambda *each: taken.append(each)):
        assert emit("here")(state) == state
        assert emit(lambda _state: "there", {"b": data_value("n[0]")})(state) == state
        emit("nothing", None)(state)
    assert taken == [
        ("here", '{"a": "2026-03-09", "n": [1]}'),
        ("there", '{"b": 1}'),
        ("nothing", "null"),
    ]


def test_where_nobody_takes_what_is_emitted_it_is_refused():
    with pytest.raises(ConfigurationError, match="nobody takes what is emitted here"):
        emit("here")({"data": 1})


def test_each_item_of_a_list_is_emitted():
    taken = []
    with outbox.handing_to(lambda _inbox, body: taken.append(body)):
        each("results[*]", emit("here"))({"data": {"results": [1, {"a": 2}]}})
    assert taken == ["1", '{"a": 2}']
