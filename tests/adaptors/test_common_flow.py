"""Operations that run other operations."""

from __future__ import annotations

from datetime import date

import pytest

from adaptors.common import (
    RemoteRefused,
    RemoteUnavailable,
    as_,
    combine,
    data_path,
    data_value,
    each,
    field,
    fields,
    fn,
    fn_if,
    group,
    index,
    join,
    map,  # noqa: A004 - it is the one under test
    merge,
    next_state,
    source,
    source_value,
    to_array,
    values,
)

note = fn(lambda state: {**state, "seen": [*state.get("seen", []), state["data"]]})
count = fn(lambda state: {**state, "counted": [*state.get("counted", []), state["index"]]})


@pytest.mark.parametrize(
    ("data", "path", "expected"),
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
def test_each_applies_to_every_item_at_a_path(data, path, expected):
    after = each(path, note)({"data": data})
    assert after.get("seen", []) == expected
    assert after["data"] == data


@pytest.mark.parametrize(
    ("rows", "expected"), [([[1, 2]], [[1, 2]]), ([[1, 2], [3]], [[1, 2], [3]]), ([None], [None])]
)
def test_each_with_a_star_uses_the_matches_as_items(rows, expected):
    assert each("rows[*]", note)({"data": {"rows": rows}})["seen"] == expected


def test_repeated_text_with_one_entry_is_that_text():
    for phone, expected in (("0712", ["0712"]), (["0712", "0713"], ["0712", "0713"]), ("", [])):
        state = {"data": {"form": {"phone": phone}}}
        assert each("form.phone[*]", note)(state).get("seen", []) == expected


AMINA, KOFI = {"@id": "q", "name": "Amina"}, {"@id": "r", "name": "Kofi"}


@pytest.mark.parametrize("path", ["form.Person[*]", "form.Person"])
@pytest.mark.parametrize(
    ("person", "people"),
    [
        (AMINA, [AMINA]),
        ([AMINA], [AMINA]),
        ([AMINA, "", KOFI], [AMINA, KOFI]),
        ("", []),
        ([], []),
        (None, []),
    ],
)
def test_repeat_with_one_entry_or_none_is_a_list_of_its_entries(path, person, people):
    state = {"data": {"form": {"Person": person}}, "references": []}
    for people_of in (path, merge(path, {}), data_value("form.Person")):
        assert each(people_of, note)(state).get("seen", []) == people
    assert map(path, data_value("name"))(state)["data"] == [entry["name"] for entry in people]
    assert group(path, "@id")(state)["data"] == {entry["@id"]: [entry] for entry in people}


def test_star_inside_a_path_reads_a_single_entry_too():
    data = {"form": {"Person": {**AMINA, "visit": {"date": "1 May"}}}}
    for path in ("form.Person[*].visit.date", "form.Person[*].visit[*].date"):
        assert each(path, note)({"data": data})["seen"] == ["1 May"]
    assert source("data.form.Person[*].name")({"data": data}) == ["Amina"]
    assert data_value("form.Person[*].name")({"data": data}) == "Amina"


def test_jsonpath_star_selects_the_values_of_an_object():
    data = {"Person": AMINA}
    assert each("$.data.Person[*]", note)({"data": data})["seen"] == ["q", "Amina"]


def test_texts_of_a_list_are_items_even_if_they_are_empty():
    assert each("[*]", note)({"data": ["yes", "", "no"]})["seen"] == ["yes", "", "no"]


@pytest.mark.parametrize("value", [merge("names[*]", {}), join("names[*]", "x", "y")])
def test_fields_are_added_to_objects_only(value):
    with pytest.raises(TypeError, match="an item is of type str"):
        value({"data": {"names": ["Amina"]}})


@pytest.mark.parametrize("groups", [values(), values("$.data"), values(data_value(""))])
def test_values_of_groups_are_items(groups):
    people = [{"name": n, "village": v} for n, v in [("Amina", "K"), ("Kofi", "B"), ("Ada", "K")]]
    grouped = group("[*]", "village")({"data": people})
    seen = each(groups, note)(grouped)["seen"]
    assert [[person["name"] for person in members] for members in seen] == [
        ["Amina", "Ada"],
        ["Kofi"],
    ]
    assert values("missing")({"data": {}}) == []


def test_values_of_a_list_are_an_error():
    with pytest.raises(TypeError, match="not for list"):
        values()({"data": [1]})


@pytest.mark.parametrize("visits", [1, 2, 3])
def test_each_iterates_over_nested_lists(visits):
    data = {"visits": [{"children": [f"{n}a", f"{n}b"]} for n in range(visits)]}
    seen = each("visits[*].children", note)({"data": data})["seen"]
    assert seen == [f"{n}{letter}" for n in range(visits) for letter in "ab"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"child": [{"name": "A"}, {"name": "B"}]}, [{"name": "A"}, {"name": "B"}]),
        ({"child": {"name": "A"}}, [{"name": "A"}]),
        ({"child": "A text"}, ["A text"]),
        ({"child": []}, []),
        ({}, []),
    ],
)
def test_each_accepts_a_function_instead_of_a_path(data, expected):
    by_value = each(data_value("child"), note)({"data": data})
    assert by_value.get("seen", []) == expected
    assert by_value == each("child", note)({"data": data})


def test_each_accepts_any_iterable():
    operate = each(lambda state: (n * 2 for n in state["data"]), note)
    assert operate({"data": [1, 2]})["seen"] == [2, 4]


def test_each_applies_operations_in_order_and_counts_from_0():
    trail = each("[*]", fn(lambda s: {**s, "data": s["data"] + 1}), note, count)({"data": [1, 5]})
    assert (trail["seen"], trail["counted"]) == ([2, 6], [0, 1])


def test_each_leaves_no_index():
    assert "index" not in each("[*]", note)({"data": [1]})


def test_nested_each_restores_the_outer_index():
    data = {"visits": [{"children": ["a", "b"]}, {"children": ["c"]}]}
    after = each("visits[*]", each("children", note), count)({"data": data})
    assert after["seen"] == ["a", "b", "c"]
    assert after["counted"] == [0, 1]
    assert after["data"] == data


def test_each_restores_data_and_keeps_other_changes():
    answered = fn(lambda state: next_state(state, {"id": state["data"]}))
    after = each("[*]", answered)({"data": ["a", "b"], "references": ["old"]})
    assert after == {"data": ["a", "b"], "references": ["b", "a", "old"]}


DATA = {
    "visits": [{"date": "1 May", "village": "Kolo"}, {"date": "2 May", "village": "Bana"}],
    "child": {"name": "Amina"},
}
DAY = date(2026, 3, 9)
MADE = [{"on": "1 May", "n": 0, "x": ["X"]}, {"on": "2 May", "n": 1, "x": ["X"]}]
double = fn(lambda state: {**state, "data": state["data"] * 2})
answered = fn(lambda state: next_state(state, {"id": state["data"]}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$.data.visits[*].date", ["1 May", "2 May"]),
        ("$.data.visits", DATA["visits"]),
        ("$.data.visits[?(@.village == 'Bana')].date", ["2 May"]),
        ("$.data.visits[-1:]", [DATA["visits"][1]]),
        ("$.data.child", [DATA["child"]]),
        ("$..date", ["1 May", "2 May"]),
        ("$.cursor", ["today"]),
        ("$.missing[*]", []),
        (data_path("visits[*].date"), ["1 May", "2 May"]),
        (["a", ["b"]], ["a", ["b"]]),
        (("a", "b"), ["a", "b"]),
        ([data_value("child.name"), source_value("cursor")], ["Amina", "today"]),
        ({"name": data_value("child.name")}, [{"name": "Amina"}]),
        (range(2), [0, 1]),
        (lambda state: state["data"]["child"], [{"name": "Amina"}]),
        (lambda state: state["data"]["child"].items(), [("name", "Amina")]),
        (lambda _: 7, [7]),
        (lambda _: b"bytes", [b"bytes"]),
        (lambda _: None, []),
        (
            merge("visits[*]", {"village": None}),
            [{**visit, "village": None} for visit in DATA["visits"]],
        ),
        (to_array(data_value("child")), [{"name": "Amina"}]),
    ],
)
def test_each_accepts_a_path_from_the_state(source, expected):
    after = each(source, note)({"data": DATA, "cursor": "today"})
    assert after.pop("seen", []) == expected
    assert after == {"data": DATA, "cursor": "today"}


@pytest.mark.parametrize("offer", [each, map, group])
@pytest.mark.parametrize("path", ["a..b", "$.a..", "$a"])
def test_invalid_path_fails_at_the_call(offer, path):
    with pytest.raises(ValueError, match="is not valid"):
        offer(path, "a")


def test_matches_of_a_path_from_the_state_stay_lists():
    state = {"data": {"rows": [[1, 2], [3]]}}
    assert each("$.data.rows[*]", note)(state)["seen"] == [[1, 2], [3]]
    assert each("$.data.rows[?(@[1])]", note)(state)["seen"] == [[1, 2]]


def test_nested_each_accepts_a_path_in_the_item_or_from_the_state():
    data = {"visits": [{"children": ["a", "b"]}, {"children": ["c"]}]}
    state = {"data": data, "sites": ["x", "y"]}
    assert each("visits", each("$.data.children", note))(state)["seen"] == ["a", "b", "c"]
    assert each("visits", each("$.sites[*]", note))(state)["seen"] == ["x", "y", "x", "y"]


def test_state_without_data_has_no_data_after_each():
    assert each(["a"], note)({"references": []}) == {"references": [], "seen": ["a"]}


@pytest.mark.parametrize("wrong", [lambda _: None, lambda state: state["data"], lambda _: fn])
@pytest.mark.parametrize(
    "outer",
    [
        lambda operation: each([1], operation),
        combine,
        lambda operation: fn_if(1, operation),
        lambda operation: as_("key", operation),
    ],
)
def test_nested_operation_must_return_the_state(outer, wrong):
    with pytest.raises(TypeError, match=r"not the state\. End its function with `return state`"):
        outer(wrong)({"data": 1})


@pytest.mark.parametrize(
    ("condition", "data"),
    [
        (True, 4),
        (1, 4),
        (data_value(""), 4),
        (lambda state: state["data"] == 2, 4),
        (lambda _: data_value(""), 4),
        (False, 2),
        (None, 2),
        (data_value("missing"), 2),
        (lambda state: state["data"] > 2, 2),
    ],
)
def test_fn_if_applies_operations_if_the_condition_is_true(condition, data):
    assert fn_if(condition, double)({"data": 2}) == {"data": data}


def test_combined_operations_are_applied_in_order():
    plus = fn(lambda state: {**state, "data": state["data"] + 1})
    assert combine(double, plus, double)({"data": 2})["data"] == 10
    assert fn_if("yes", double, plus)({"data": 2})["data"] == 5
    assert combine()({"data": 2}) == {"data": 2}


def test_as_restores_data_and_stores_the_result():
    state = {"data": "a", "references": ["old"], "index": 3}
    after = as_("patient", answered)(state)
    assert after == {"data": "a", "index": 3, "references": ["a", "old"], "patient": {"id": "a"}}
    assert as_(source_value("name"), double)({"data": 2, "name": "four"})["four"] == 4
    assert as_("made", fn(lambda state: {**state, "data": 1}))({}) == {"made": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (data_value("date"), ["1 May", "2 May"]),
        (index(), [0, 1]),
        (lambda state: state["data"]["date"][:1], ["1", "2"]),
        ({"on": data_value("date"), "n": index(), "x": [source_value("x")]}, MADE),
        (fields(field("on", data_value("date")), field("n", index()), field("x", ["X"])), MADE),
        (lambda state: {"on": data_value("date"), "n": state["index"], "x": ["X"]}, MADE),
        ("constant", ["constant", "constant"]),
        (fn(lambda state: {**state, "data": state["data"]["date"]}), ["1 May", "2 May"]),
        (answered, [{"id": visit} for visit in DATA["visits"]]),
    ],
)
def test_map_makes_a_list_with_a_value_for_every_item(value, expected):
    state = {"data": DATA, "references": [], "configuration": {}, "x": "X"}
    after = map("visits[*]", value)(state)
    assert after["data"] == expected
    assert after["references"][0] == DATA
    assert "index" not in after


def test_map_keeps_other_keys_that_operations_add():
    state = {"data": [1, 2], "references": [], "configuration": {}}
    after = map("[*]", combine(double, note))(state)
    assert (after["data"], after["seen"]) == ([2, 4], [2, 4])


def test_map_accepts_a_dict_that_is_not_a_state():
    state = {"data": [1], "references": ["old"], "configuration": {}}
    value = {"data": data_value(""), "index": 0}
    assert map("[*]", value)(state)["data"] == [{"data": 1, "index": 0}]


def test_group_groups_items_by_a_path(capsys):
    people = [{"n": n, "at": {"village": village}} for n, village in enumerate("abca")]
    after = group("[*]", "at.village")({"data": people, "references": ["old"]})
    assert {key: [item["n"] for item in items] for key, items in after["data"].items()} == {
        "a": [0, 3],
        "b": [1],
        "c": [2],
    }
    assert after["references"] == [people, "old"]
    assert capsys.readouterr().out == ""


def test_items_without_a_key_are_left_out_and_counted(capsys):
    data = [{"village": "Kolo"}, {}, {"village": None}, {"village": ""}]
    after = group("[*]", "village")({"data": data})
    assert after["data"] == {"Kolo": [{"village": "Kolo"}], "": [{"village": ""}]}
    assert "2 items have no key" in capsys.readouterr().out


def test_keys_of_groups_are_written_as_json():
    data = [{"k": 1}, {"k": True}, {"k": 1.5}, {"k": "1"}, {"k": ["a"]}, {"k": DAY}]
    assert set(group("[*]", "k")({"data": data})["data"]) == {
        "1",
        "true",
        "1.5",
        '["a"]',
        '"2026-03-09"',
    }


def test_items_are_grouped_by_a_function_of_the_item():
    data = {"visits": [{"date": "2026-03-09"}, {"date": "2026-04-01"}]}
    month = group("visits[*]", lambda state: state["data"]["date"][:7])
    assert list(month({"data": data})["data"]) == ["2026-03", "2026-04"]
    by_path = group("visits[*]", "$.date")
    assert list(by_path({"data": data})["data"]) == ["2026-03-09", "2026-04-01"]


# Errors of items


VISITS = [{"_id": n, "n": n} for n in range(1, 6)]


def deliver(errors):
    """Return an operation that notes an item, or raises its error."""

    def operate(state):
        if error := errors.get(state["data"]["n"]):
            raise error
        return note(state)

    return operate


@pytest.mark.parametrize(
    "operation",
    [each("[*]", deliver({3: KeyError("x")})), map("[*]", deliver({3: KeyError("x")}))],
)
def test_error_names_the_item(operation):
    with pytest.raises(KeyError) as raised:
        operation({"data": VISITS, "references": []})
    assert raised.value.__notes__[-1] == "In item 3 (_id 3)"


@pytest.mark.parametrize("key", ["Id", "KEY", "trackedEntity"])
def test_id_of_a_destination_or_another_source_names_the_item(key):
    with pytest.raises(RemoteUnavailable) as raised:
        each("[*]", deliver({1: RemoteUnavailable("down")}))({"data": [{"n": 1, key: "a7"}]})
    assert raised.value.__notes__ == [f"In item 1 ({key} a7)"]


def test_each_continues_past_items_that_fail(capsys):
    errors = {2: RemoteUnavailable("down"), 4: RemoteUnavailable("down", retry_after=7)}
    seen = []
    operate = each(
        "[*]", deliver(errors), lambda s: seen.append(s["data"]["n"]) or s, on_error="continue"
    )
    with pytest.raises(
        RemoteUnavailable.__base__, match=r"2 items failed: 2 \(_id 2\), 4"
    ) as raised:
        operate({"data": VISITS})
    assert seen == [1, 3, 5]
    assert (raised.value.verdict, raised.value.retry_after) == ("remote-for-now", 7)
    assert "Item 4 (_id 4) failed: RemoteUnavailable: down" in capsys.readouterr().out


def test_items_that_fail_are_retryable_only_if_all_are():
    errors = {1: RemoteUnavailable("down"), 2: RemoteRefused("no"), 3: RemoteUnavailable("down")}
    with pytest.raises(Exception, match="3 items failed") as raised:
        each("[*]", deliver(errors), on_error="continue")({"data": VISITS})
    assert raised.value.verdict == "remote"


def test_each_that_continues_is_as_before_if_nothing_fails():
    state = {"data": VISITS}
    assert each("[*]", note, on_error="continue")(state) == each("[*]", note)(state)


def test_unknown_on_error_fails_at_the_call():
    with pytest.raises(ValueError, match='on_error is "stop" or "continue"'):
        each("[*]", note, on_error="ignore")
