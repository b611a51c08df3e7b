"""Plain paths into data."""

from __future__ import annotations

import pytest

from adaptors._formats.paths import find, first

DATA = {
    "form": {"@xmlns": "http://openrosa.org", "case": {"@case_id": "7"}},
    "group1/name": "Amina",
    "data": [{"*meta-instance-id*": "uuid:1", "name": "A"}, {"name": "B"}, {"age": 3}],
    "attachments": {"form.xml": {"size": 12}, "": "nameless", "a[0]": "bracketed"},
    "rows": [[1, 2], [3]],
    "0": "a key of digits",
    "nothing": None,
    "no": False,
    "zero": 0,
    "Employment Status": "Full-Time",
    "naïve": "ï",
    "#text": "hash",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("form.@xmlns", ["http://openrosa.org"]),
        ("form.case.@case_id", ["7"]),
        ("group1/name", ["Amina"]),
        ("data[0].*meta-instance-id*", ["uuid:1"]),
        ("data[*].name", ["A", "B"]),
        ("data[-1].age", [3]),
        ("data[-3].name", ["A"]),
        ("rows[*][0]", [1, 3]),
        ("rows[*][*]", [1, 2, 3]),
        ("rows[0][1]", [2]),
        ("attachments['form.xml'].size", [12]),
        ('attachments["form.xml"].size', [12]),
        ("attachments['']", ["nameless"]),
        ("attachments['a[0]']", ["bracketed"]),
        ("form.case[*]", [{"@case_id": "7"}]),
        ("form.case[*].@case_id", ["7"]),
        ("0", ["a key of digits"]),
        ("Employment Status", ["Full-Time"]),
        ("naïve", ["ï"]),
        ("#text", ["hash"]),
        ("nothing", [None]),
        ("no", [False]),
        ("zero", [0]),
        ("", [DATA]),
    ],
)
def test_path_finds_its_values(path, expected):
    assert find(DATA, path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "missing",
        "form.missing.deeper",
        "group1.name",  # keys are literal: a slash is no step
        "data.name",  # nor does a key look into a list
        "data[3]",
        "data[-4]",
        "form[0]",
        "nothing.deeper",
        "group1/name.first",
        "group1/name[0]",  # a text is not a list of letters
        "zero[*]",
    ],
)
def test_missing_path_finds_nothing(path):
    assert find(DATA, path) == []
    assert first(DATA, path) is None


@pytest.mark.parametrize("path", [".a", "a..b", "a.", "a.[0]", "a[", "a[x]", "a[0", "a]", "[0]b"])
def test_invalid_path_error_shows_a_valid_one(path):
    with pytest.raises(ValueError, match=r"is not valid from character \d+ on.*form\.case"):
        find(DATA, path)


def test_error_names_the_position_of_the_mistake():
    with pytest.raises(ValueError, match=r"'a\.\.b' is not valid from character 2 on"):
        find(DATA, "a..b")


@pytest.mark.parametrize(("path", "value"), [("data[*].name", "A"), ("no", False), ("zero", 0)])
def test_first_returns_the_first_value_even_if_it_is_false(path, value):
    assert first(DATA, path) == value


@pytest.mark.parametrize("value", [None, "text", 7, [], {}])
def test_any_value_can_be_searched(value):
    assert find(value, "a[0].b") == []


def test_path_may_begin_with_an_index():
    assert find([{"a": 1}, {"a": 2}], "[1].a") == [2]
    assert find([{"a": 1}, {"a": 2}], "[*].a") == [1, 2]
