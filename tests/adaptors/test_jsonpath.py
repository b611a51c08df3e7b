"""JSONPath, as OpenFn's jobs write it."""

from __future__ import annotations

import pytest

from adaptors._formats.paths import ends_in_members, find, first, parse

DATA = {
    "form": {"@xmlns": "http://openrosa.org", "case": {"@case_id": "7", "#text": "t"}},
    "group1/name": "Amina",
    "Follow-Up Required": "Yes",
    "loc:Accuracy": 5.36,
    "data": [{"*meta-instance-id*": "uuid:1"}],
    "form.xml": 12,
    "*": "star",
    "it's": "apostrophe",
    "nothing": None,
    "visits": [
        {"n": 1, "weight": 8, "place": "Kolo", "ok": None, "tags": []},
        {"n": 2, "weight": 12, "place": "===", "ok": False, "tags": ["x", "y"]},
        {"n": 3, "weight": 9, "ok": True, "a/b": 5, "@id": 7},
        {"n": 4, "weight": "9", "ok": "", "place": "a]b"},
    ],
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", [DATA]),
        ("$.form.@xmlns", ["http://openrosa.org"]),
        ("$.form.case.@case_id", ["7"]),
        ("$.form.case[@case_id]", ["7"]),
        ("$.form.case.#text", ["t"]),
        ("$.group1/name", ["Amina"]),
        ("$['group1/name']", ["Amina"]),
        ('$["group1/name"]', ["Amina"]),
        ("$.['group1/name']", ["Amina"]),
        ("$[group1/name]", ["Amina"]),
        ("$.Follow-Up Required", ["Yes"]),
        ("$.loc:Accuracy", [5.36]),
        ("$.data[0].*meta-instance-id*", ["uuid:1"]),
        ("$.data.[0].*meta-instance-id*", ["uuid:1"]),
        ("$['form.xml']", [12]),
        ("$['*']", ["star"]),
        ("$.it's", ["apostrophe"]),
        ('$["it\'s"]', ["apostrophe"]),
        ("$.nothing", [None]),
        ("$.visits[*].n", [1, 2, 3, 4]),
        ("$.visits.*.n", [1, 2, 3, 4]),
        ("$.visits[-1].n", [4]),
    ],
)
def test_simple_path_is_parsed_into_steps(path, expected):
    assert find(DATA, path) == expected
    assert isinstance(parse(path), tuple)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$..@case_id", ["7"]),
        ("$..['@case_id']", ["7"]),
        ("$..[@case_id]", ["7"]),
        ("$..*meta-instance-id*", ["uuid:1"]),
        ("$.form..*", [{"@case_id": "7", "#text": "t"}, "http://openrosa.org", "7", "t"]),
        ("$.visits[-1:].n", [4]),
        ("$.visits[1:3].n", [2, 3]),
        ("$.visits[::2].n", [1, 3]),
        ("$.visits[0,2].n", [1, 3]),
        ("$['form.xml','group1/name']", [12, "Amina"]),
        ("$.visits[0].[n, weight]", [1, 8]),
        ("$.visits[?(@.weight > 8 && @.weight < 12)].n", [3]),
        ("$.visits[?@.weight == 8 || @.n == 3].n", [1, 3]),
        ("$.visits[?(@.weight === 8)].n", [1]),
        ("$.visits[?(@.weight !== 8)].n", [2, 3, 4]),
        ("$.visits[?(@.place === '===')].n", [2]),
        ("$.visits[?(@.place == 'a]b')].n", [4]),
        ("$.visits[?(@['a/b'] == 5)].@id", [7]),
        ("$.visits[?(@['@id'] == 7)].n", [3]),
        ("$.visits[?length(@.tags) > 1].n", [2]),
        ("$.visits[?(@.tags[?@ == 'x'])].n", [2]),
        ("$.visits[?search(@.place, 'ol')].n", [1]),
        ("$.visits[?(@.weight == '9')].n", [4]),
    ],
)
def test_other_paths_become_jsonpath(path, expected):
    assert sorted(map(str, find(DATA, path))) == sorted(map(str, expected))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("@.ok", [3]),
        ("!@.ok", [1, 2, 4]),
        ("@.place", [1, 2, 4]),
        ("@.tags", [1, 2]),
        ("@.n && @.ok", [3]),
        ("@.missing", []),
    ],
)
def test_filter_selects_values_that_are_neither_null_nor_false_nor_empty(condition, expected):
    assert find(DATA, f"$.visits[?({condition})].n") == expected


@pytest.mark.parametrize(
    "path",
    ["$.missing", "$.nothing.deeper", "$..missing", "$.visits[9]", "$.visits[7:]", "$.form[0,1]"],
)
def test_missing_path_finds_nothing(path):
    assert find(DATA, path) == []
    assert first(DATA, path) is None


@pytest.mark.parametrize("value", [None, "text", '{"a": 1}', "[1]", 7, [], {}])
@pytest.mark.parametrize("path", ["$.a", "$..a", "$.a[-1:]"])
def test_any_value_can_be_searched_and_text_is_never_parsed_as_json(value, path):
    assert find(value, path) == []


@pytest.mark.parametrize(
    ("path", "character"),
    [
        ("$a", 2),
        ("$.", 2),
        ("$...a", 2),
        ("$.a..", 4),
        ("$.a[", 4),
        ("$.a[0", 4),
        ("$.a]", 4),
        ("$[it's]", 2),
    ],
)
def test_invalid_path_error_names_position_and_shows_a_valid_one(path, character):
    with pytest.raises(ValueError, match=rf"from character {character} on. .*\$\.form\.case"):
        parse(path)


@pytest.mark.parametrize(
    "path", ["$[]", "$.a[?]", "$.a[(@.length-1)]", "$.a[?(@.b.match(/c/))]", "$.a[?(@.b/c == 1)]"]
)
def test_invalid_jsonpath_is_refused_when_it_is_parsed(path):
    with pytest.raises(ValueError, match="is not valid JSONPath: "):
        parse(path)


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("visits[*]", True),
        ("visits", False),
        ("visits[0]", False),
        ("visits[*].n", False),
        ("", False),
        ("$", False),
        ("$.visits[*]", True),
        ("$.visits.*", True),
        ("$.visits[0]", False),
        ("$.visits[-1:]", True),
        ("$.visits[?(@.ok)]", True),
        ("$.visits[0,1]", True),
        ("$.visits[?(@.ok)].tags", False),
        ("$..visits", False),
        ("$..visits[*]", True),
        ("$ .visits", False),
        ("$ .visits[*]", True),
        (r"$['\u0076isits'][0,1]", True),
    ],
)
def test_path_ends_in_members_of_a_list_or_in_a_value(path, members):
    assert ends_in_members(path) == members
