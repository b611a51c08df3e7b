"""What an operation is, and how its arguments are resolved."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from adaptors.common import data_value, field, fields, next_state, operation, resolve


@operation
def label(state, text, *, tags=None):
    """Put a label on the state."""
    return {**state, "label": text, "tags": tags}


def test_job_calls_an_operation_without_the_state():
    assert label("x")({"data": 1}) == {"data": 1, "label": "x", "tags": None}


def test_operation_keeps_name_and_docstring():
    assert (label.__name__, label.__doc__) == ("label", "Put a label on the state.")


@pytest.mark.parametrize(("args", "named"), [((), {}), (("x", "y"), {}), (("x",), {"colour": 1})])
def test_wrong_argument_fails_at_the_call(args, named):
    with pytest.raises(TypeError, match="argument"):
        label(*args, **named)


def test_all_arguments_are_resolved_when_the_operation_runs():
    operate = label(data_value("name"), tags=[data_value("age"), "fixed"])
    assert operate({"data": {"name": "Amina", "age": 7}})["label"] == "Amina"
    assert operate({"data": {"name": "Kofi", "age": 8}})["tags"] == [8, "fixed"]


def test_values_are_resolved_at_any_depth():
    value = {"a": [{"b": data_value("x")}, lambda state: {"c": data_value("y"), "d": state["e"]}]}
    state = {"data": {"x": 1, "y": 2}, "e": 3}
    assert resolve(state, value) == {"a": [{"b": 1}, {"c": 2, "d": 3}]}


class Point(NamedTuple):
    """A tuple with named fields."""

    x: Any
    y: Any


FIXED = [None, 0, "text", int, {"type": str}, b"bytes", re.compile("a"), {1}, Point(1, len)]


@pytest.mark.parametrize("value", FIXED, ids=str)
def test_other_values_are_not_resolved(value):
    resolved = resolve({}, value)
    assert resolved == value
    assert type(resolved) is type(value)


def test_tuples_are_resolved_and_stay_tuples():
    state = {"data": {"x": 1}}
    assert resolve(state, field("a", data_value("x"))) == ("a", 1)
    assert resolve(state, [("a", data_value("x")), ("a", 2)]) == [("a", 1), ("a", 2)]
    assert resolve(state, fields(field("a", [data_value("x")]))) == {"a": [1]}


def test_result_of_a_function_is_resolved_again():
    def chosen(state):
        return data_value("x") if state["key"] == "x" else {"y": data_value("y")}

    assert resolve({"data": {"x": 1, "y": 2}, "key": "x"}, chosen) == 1
    assert resolve({"data": {"x": 1, "y": 2}, "key": "y"}, chosen) == {"y": 2}


def test_resolving_changes_neither_argument():
    state, argument = {"data": {"x": [1]}}, {"a": [data_value("x")]}
    resolve(state, argument)["a"].append(2)
    assert state == {"data": {"x": [1]}}
    assert len(argument["a"]) == 1


def test_next_state_moves_the_previous_data_to_references():
    state = {"data": "first", "references": [], "other": True}
    after = next_state(next_state(state, "second"), "third")
    assert after == {"data": "third", "references": ["second", "first"], "other": True}
    assert state == {"data": "first", "references": [], "other": True}


def test_next_state_of_an_empty_state():
    assert next_state({}, 1) == {"data": 1, "references": [None]}
