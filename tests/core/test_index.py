"""The index finds what the plain loop over all triggers finds."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random

import pytest

from openfn.project import trigger_index
from openfn.project.triggers import MessageTrigger
from tests.support import brute_force_matcher
from tests.support.containment_cases import case_params, exclusions_of, parse_part
from tests.support.near_misses import contained_fragment, mutate, random_body
from workbench.project import index_builder


def indexed(triggers):
    """Give the index as a function has it: prepared, written, and read with exact numbers."""
    prepared = json.dumps(index_builder.build_index(triggers), separators=(",", ":"))
    return trigger_index.load(json.loads(prepared, parse_float=Decimal))


def filters(*fragments):
    return [MessageTrigger(f"t{number}", None, each) for number, each in enumerate(fragments)]


def some_triggers(random, bodies, count):
    def fragment():
        made = contained_fragment(random, random.choice(bodies))
        return mutate(random, made) if random.random() < 0.6 else made

    return [
        MessageTrigger(
            f"t{number}",
            random.choice((None, None, "a", "b")),
            fragment(),
            tuple(fragment() for _ in range(random.choice((0, 0, 0, 1, 2)))),
        )
        for number in range(count)
    ]


def differences(triggers, messages):
    made = indexed(triggers)
    return [
        (inbox, message, found, expected)
        for inbox, message in messages
        if (found := made.matching(inbox, message))
        != (expected := brute_force_matcher.matching_positions(triggers, inbox, message))
    ]


@pytest.mark.parametrize("seed", range(10))
def test_it_finds_what_the_plain_loop_finds(seed):
    random = Random(seed)
    matched = compared = 0
    for _ in range(40):
        bodies = [random_body(random) for _ in range(random.choice((1, 3, 6)))]
        triggers = some_triggers(random, bodies, random.choice((1, 5, 30, 90)))
        near = [mutate(random, each) for each in bodies for _ in range(2)]
        messages = [(random.choice("abc"), each) for each in (*bodies, *near)]
        assert differences(triggers, messages) == []
        matched += sum(
            len(brute_force_matcher.matching_positions(triggers, *message)) > 0
            for message in messages
        )
        compared += len(messages)
    assert 0.3 * compared < matched


LEAVES = {"country": ["KE", "UG", "TZ"], "site": [*range(7)], "open": [True, 1, "1", None]}


def leaves(random):
    return {key: random.choice(values) for key, values in LEAVES.items()}


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda each: each,
        lambda each: {"form": {"visit": each}},
        lambda each: {"members": [each]},
        lambda each: {"groups": [[each]]},
    ],
    ids=["at the top", "nested", "in an array", "in an array of arrays"],
)
def test_it_tells_thousands_of_fragments_apart_that_share_all_their_leaves(wrapped):
    random = Random(7)
    fragments = [wrapped(contained_fragment(random, leaves(random))) for _ in range(2_000)]
    triggers = [
        MessageTrigger(f"t{number}", random.choice((None, "a")), each, (wrapped({"open": None}),))
        for number, each in enumerate(fragments)
    ]
    assert '"bits":[[' in json.dumps(index_builder.build_index(triggers), separators=(",", ":"))
    messages = [("a", wrapped(leaves(random))) for _ in range(30)]
    assert differences(triggers, messages) == []
    assert any(brute_force_matcher.matching_positions(triggers, *each) for each in messages)


@pytest.mark.parametrize("case", case_params())
def test_it_matches_what_postgresql_matches(case):
    made = indexed([MessageTrigger("t", None, parse_part(case, "fragment"), exclusions_of(case))])
    assert made.matching("any", parse_part(case, "message")) == ([0] if case["match"] else [])


@pytest.mark.parametrize("seed", range(3))
def test_the_prepared_form_is_the_same_for_the_same_triggers(seed):
    made = [
        json.dumps(
            index_builder.build_index(
                some_triggers(random, [random_body(random) for _ in range(5)], 200)
            )
        )
        for random in (Random(seed), Random(seed))
    ]
    assert made[0] == made[1]


def test_it_works_as_it_is_and_read_with_any_kind_of_number():
    triggers = filters({"a": Decimal("0.1")}, {"a": Decimal("1E+2")}, {"a": 10**30}, {"a": 0.5})
    prepared = index_builder.build_index(triggers)
    text = json.dumps(prepared)
    for raw in (prepared, json.loads(text), json.loads(text, parse_float=Decimal)):
        made = trigger_index.load(raw)
        assert made.matching("any", {"a": Decimal("0.10")}) == [0]
        assert made.matching("any", {"a": 100}) == [1]
        assert made.matching("any", {"a": Decimal(10**30)}) == [2]
        assert made.matching("any", {"a": 0.5}) == [3]


@pytest.mark.parametrize("size", [1, 40, 400])
def test_of_many_keys_each_is_looked_at(size):
    forms = [{f"question-{number}": "yes", "asked": {f"q{number}": 1}} for number in range(200)]
    whole = {key: each[key] for each in forms for key in each if key != "asked"}
    message = dict(list(whole.items())[:size]) | {"asked": {"q7": 1, "q150": 1, "other": 1}}
    triggers = filters(*forms, *({key: "yes"} for key in whole), *({"asked": {}},) * 2)
    assert differences(triggers, [("any", message), ("any", forms[150])]) == []


def test_without_triggers_nothing_matches():
    assert indexed([]).matching("any", {"a": 1}) == []


def test_equal_triggers_all_match_in_their_order():
    assert indexed(filters({"a": 1}, {}, {"a": 1}, {"a": 1})).matching("any", {"a": 1}) == [
        *range(4)
    ]


def test_the_keys_of_an_element_are_in_one_element():
    made = indexed(filters({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}, {"c": 2}]}))
    assert made.matching("any", {"a": [{"b": 1}, {"c": 2}]}) == [1]
    assert made.matching("any", {"a": [{"c": 2, "b": 1}]}) == [0, 1]


def test_a_boolean_is_no_number():
    made = indexed(filters(*({"a": each} for each in (1, True, [0], [False])), *(1, True)))
    assert made.matching("any", {"a": True}) == [1]
    assert made.matching("any", {"a": Decimal(1)}) == [0]
    assert made.matching("any", {"a": [False, 1]}) == [3]
    assert made.matching("any", [True]) == [5]


def test_only_at_the_top_an_array_contains_a_bare_scalar():
    made = indexed(filters("a", {"b": "a"}, ["a"], [["a"]]))
    assert made.matching("any", ["a"]) == [0, 2]
    assert made.matching("any", "a") == [0]
    assert made.matching("any", {"b": ["a"]}) == []
    assert made.matching("any", [["a"]]) == [3]


def nested(depth, inner):
    for level in range(depth):
        inner = {"a": inner} if level % 2 else [inner]
    return inner


def test_deep_fragments_and_bodies_are_no_trouble():
    triggers = filters(nested(50, 1), nested(50, {}), nested(48, "b"))
    for message in (nested(50, 1), nested(200, 1), nested(50, {"b": 1})):
        assert differences(triggers, [("any", message)]) == []


def test_thousands_of_elements_are_matched_as_few_are():
    triggers = filters({"a": ["x"]}, {"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1, "c": 3}]})
    array = ["x", {"b": 1}, {"c": 3}, [1]] * 5_000
    assert indexed(triggers).matching("any", {"a": array}) == [0]
    assert indexed(triggers).matching("any", {"a": [*array, {"b": 1, "c": 3}]}) == [0, 2]


def test_text_of_any_kind_survives():
    odd = {"\ud800": "\udfff", "\x00": "\x00", "": "", "é": "e\u0301"}
    made = indexed(filters(*({key: value} for key, value in odd.items())))
    assert made.matching("any", odd) == [0, 1, 2, 3]
