"""Converting, joining and splitting lists and dicts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptors.common import (
    array_to_string,
    chunk,
    data_value,
    source_value,
    split_keys,
    to_array,
)
from adaptors.common.lazy import accepts_state_functions


@pytest.mark.parametrize(
    ("value", "array"), [(None, []), ([], []), ([1], [1]), ({"a": 1}, [{"a": 1}]), (0, [0])]
)
def test_repeat_with_one_or_many_entries_becomes_a_list(value, array):
    assert to_array(value) == array


@given(st.lists(st.integers()), st.integers(1, 9))
def test_chunks_contain_all_members_and_only_the_last_may_be_short(values, size):
    chunks = chunk(values, size)
    assert [value for members in chunks for value in members] == values
    assert all(len(members) == size for members in chunks[:-1])
    assert all(0 < len(members) <= size for members in chunks[-1:])


@pytest.mark.parametrize("size", [0, -1])
def test_chunk_size_below_one_is_refused(size):
    with pytest.raises(ValueError, match=f"at least one member, not {size}"):
        chunk([1], size)


@given(st.dictionaries(st.text(), st.integers()), st.lists(st.text()))
def test_split_keys_splits_without_loss(value, keys):
    keys += list(value)[::2]
    rest, picked = split_keys(value, keys)
    assert {**rest, **picked} == value
    assert set(picked) == set(value) & set(keys)
    assert not set(rest) & set(picked)


@pytest.mark.parametrize(
    ("values", "text"),
    [([], ""), (["a"], "a"), ([1, None, "b", 2.5], "1;;b;2.5"), (("a", "b"), "a;b")],
)
def test_values_are_joined_to_a_text(values, text):
    assert array_to_string(values, ";") == text


def test_plain_function_accepts_functions_of_the_state():
    state = {"data": {"tags": ["a", "b", "c"], "child": {"n": 1}}, "by": 2}
    assert chunk(data_value("tags"), source_value("by"))(state) == [["a", "b"], ["c"]]
    assert array_to_string(data_value("tags"), separator=" ")(state) == "a b c"
    assert array_to_string([data_value("tags[0]"), "x"])(state) == "a,x"
    assert to_array(data_value("child"))(state) == [{"n": 1}]
    assert split_keys(data_value("child"), ["n"])(state) == ({}, {"n": 1})


def test_plain_function_runs_at_once_without_functions_of_the_state():
    arguments = accepts_state_functions(lambda *values, **named: [values, named])
    assert arguments(int, {"a": [str]}, b=b"x") == [(int, {"a": [str]}), {"b": b"x"}]
    later = arguments({"a": [(1, lambda state: state["x"])]}, b=len)
    assert later({"x": 2}) == [({"a": [(1, 2)]},), {"b": 1}]


def test_plain_function_rejects_wrong_arguments_at_once():
    with pytest.raises(TypeError, match="argument"):
        chunk(data_value("a"))


def test_plain_function_keeps_name_and_docstring():
    assert chunk.__name__ == "chunk"
    assert chunk.__doc__.startswith("Split a list")
