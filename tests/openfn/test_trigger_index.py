"""The trigger index agrees with a plain loop over all triggers."""

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


def build_and_load(triggers):
    """Return the index as a function loads it: from JSON, with exact numbers."""
    text = json.dumps(index_builder.build_index(triggers), separators=(",", ":"))
    return trigger_index.load(json.loads(text, parse_float=Decimal))


def triggers_of(*fragments):
    return [MessageTrigger(f"t{n}", None, (fragment,)) for n, fragment in enumerate(fragments)]


def random_triggers(random, bodies, count):
    def fragment():
        contained = contained_fragment(random, random.choice(bodies))
        return mutate(random, contained) if random.random() < 0.6 else contained

    return [
        MessageTrigger(
            f"t{number}",
            random.choice((None, None, "a", "b")),
            tuple(fragment() for _ in range(random.choice((1, 1, 1, 2, 3)))),
            tuple(fragment() for _ in range(random.choice((0, 0, 0, 1, 2)))),
        )
        for number in range(count)
    ]


def differences(triggers, messages):
    index = build_and_load(triggers)
    return [
        (inbox, message, actual, expected)
        for inbox, message in messages
        if (actual := index.matching(inbox, message))
        != (expected := brute_force_matcher.matching_positions(triggers, inbox, message))
    ]


@pytest.mark.parametrize("seed", range(10))
def test_index_agrees_with_the_brute_force_matcher(seed):
    random = Random(seed)
    matched = compared = 0
    for _ in range(40):
        bodies = [random_body(random) for _ in range(random.choice((1, 3, 6)))]
        triggers = random_triggers(random, bodies, random.choice((1, 5, 30, 90)))
        near_misses = [mutate(random, body) for body in bodies for _ in range(2)]
        messages = [(random.choice("abc"), body) for body in (*bodies, *near_misses)]
        assert differences(triggers, messages) == []
        matched += sum(
            len(brute_force_matcher.matching_positions(triggers, *message)) > 0
            for message in messages
        )
        compared += len(messages)
    assert 0.3 * compared < matched


VALUES = {"country": ["KE", "UG", "TZ"], "site": [*range(7)], "open": [True, 1, "1", None]}


def random_values(random):
    return {key: random.choice(values) for key, values in VALUES.items()}


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda value: value,
        lambda value: {"form": {"visit": value}},
        lambda value: {"members": [value]},
        lambda value: {"groups": [[value]]},
    ],
    ids=["at the top", "nested", "in an array", "in an array of arrays"],
)
def test_thousands_of_fragments_with_common_values_are_distinguished(wrapped):
    random = Random(7)
    fragments = [wrapped(contained_fragment(random, random_values(random))) for _ in range(2_000)]
    triggers = [
        MessageTrigger(
            f"t{number}", random.choice((None, "a")), (fragment,), (wrapped({"open": None}),)
        )
        for number, fragment in enumerate(fragments)
    ]
    assert '"bits":[[' in json.dumps(index_builder.build_index(triggers), separators=(",", ":"))
    messages = [("a", wrapped(random_values(random))) for _ in range(30)]
    assert differences(triggers, messages) == []
    assert any(brute_force_matcher.matching_positions(triggers, *message) for message in messages)


@pytest.mark.parametrize("case", case_params())
def test_index_agrees_with_postgresql(case):
    index = build_and_load(
        [MessageTrigger("t", None, (parse_part(case, "fragment"),), exclusions_of(case))]
    )
    assert index.matching("any", parse_part(case, "message")) == ([0] if case["match"] else [])


@pytest.mark.parametrize("seed", range(3))
def test_index_of_equal_triggers_is_equal(seed):
    texts = [
        json.dumps(
            index_builder.build_index(
                random_triggers(random, [random_body(random) for _ in range(5)], 200)
            )
        )
        for random in (Random(seed), Random(seed))
    ]
    assert texts[0] == texts[1]


def test_index_can_be_loaded_with_any_type_of_number():
    triggers = triggers_of({"a": Decimal("0.1")}, {"a": Decimal("1E+2")}, {"a": 10**30}, {"a": 0.5})
    built = index_builder.build_index(triggers)
    text = json.dumps(built)
    for raw in (built, json.loads(text), json.loads(text, parse_float=Decimal)):
        index = trigger_index.load(raw)
        assert index.matching("any", {"a": Decimal("0.10")}) == [0]
        assert index.matching("any", {"a": 100}) == [1]
        assert index.matching("any", {"a": Decimal(10**30)}) == [2]
        assert index.matching("any", {"a": 0.5}) == [3]


@pytest.mark.parametrize("size", [1, 40, 400])
def test_every_one_of_many_keys_is_matched(size):
    forms = [{f"question-{number}": "yes", "answered": {f"q{number}": 1}} for number in range(200)]
    answers = {key: form[key] for form in forms for key in form if key != "answered"}
    message = dict(list(answers.items())[:size]) | {"answered": {"q7": 1, "q150": 1, "other": 1}}
    triggers = triggers_of(*forms, *({key: "yes"} for key in answers), *({"answered": {}},) * 2)
    assert differences(triggers, [("any", message), ("any", forms[150])]) == []


def test_without_triggers_nothing_matches():
    assert build_and_load([]).matching("any", {"a": 1}) == []


def test_equal_triggers_match_in_their_order():
    assert build_and_load(triggers_of({"a": 1}, {}, {"a": 1}, {"a": 1})).matching(
        "any", {"a": 1}
    ) == [*range(4)]


def test_keys_of_a_fragment_element_must_be_in_one_element():
    index = build_and_load(triggers_of({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}, {"c": 2}]}))
    assert index.matching("any", {"a": [{"b": 1}, {"c": 2}]}) == [1]
    assert index.matching("any", {"a": [{"c": 2, "b": 1}]}) == [0, 1]


def test_boolean_is_not_a_number():
    index = build_and_load(
        triggers_of(*({"a": value} for value in (1, True, [0], [False])), *(1, True))
    )
    assert index.matching("any", {"a": True}) == [1]
    assert index.matching("any", {"a": Decimal(1)}) == [0]
    assert index.matching("any", {"a": [False, 1]}) == [3]
    assert index.matching("any", [True]) == [5]


def test_array_contains_a_bare_scalar_only_at_the_top_level():
    index = build_and_load(triggers_of("a", {"b": "a"}, ["a"], [["a"]]))
    assert index.matching("any", ["a"]) == [0, 2]
    assert index.matching("any", "a") == [0]
    assert index.matching("any", {"b": ["a"]}) == []
    assert index.matching("any", [["a"]]) == [3]


def nested(depth, inner):
    for level in range(depth):
        inner = {"a": inner} if level % 2 else [inner]
    return inner


def test_deep_fragments_and_bodies_are_matched():
    triggers = triggers_of(nested(50, 1), nested(50, {}), nested(48, "b"))
    for message in (nested(50, 1), nested(200, 1), nested(50, {"b": 1})):
        assert differences(triggers, [("any", message)]) == []


def test_thousands_of_elements_are_matched():
    triggers = triggers_of({"a": ["x"]}, {"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1, "c": 3}]})
    array = ["x", {"b": 1}, {"c": 3}, [1]] * 5_000
    assert build_and_load(triggers).matching("any", {"a": array}) == [0]
    assert build_and_load(triggers).matching("any", {"a": [*array, {"b": 1, "c": 3}]}) == [0, 2]


def test_unusual_text_is_matched():
    odd = {"\ud800": "\udfff", "\x00": "\x00", "": "", "é": "e\u0301"}
    index = build_and_load(triggers_of(*({key: value} for key, value in odd.items())))
    assert index.matching("any", odd) == [0, 1, 2, 3]
