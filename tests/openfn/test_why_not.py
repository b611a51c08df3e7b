"""Why a trigger does not match a message."""

from __future__ import annotations

from decimal import Decimal

import pytest

from openfn.history.why_not import MISSING, difference, explain
from openfn.project.triggers import MessageTrigger
from tests.support.containment_cases import CASES, exclusions_of, parse_part


def why(body, inclusion, *exclusions, inbox=None):
    return explain(MessageTrigger("form", "field", (inclusion,), exclusions), inbox, body).why


@pytest.mark.parametrize(
    ("body", "inclusion", "message"),
    [
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, "a.b.c: expected 2, found 1"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "b: expected 3, found 2"),
        ({"a": {}}, {"a": {"b": "x"}}, 'a.b: expected "x", but there is no such key'),
        ({"a": 1}, {"a": {"b": 1}}, "a: expected {b: 1}, found 1"),
        ({"a": [1]}, {"a": {"b": 1}}, "a: expected {b: 1}, found [1]"),
        ([1], {"a": 1}, "the body: expected {a: 1}, found [1]"),
        ({"a": 1}, "a", 'the body: expected "a", found {a: 1}'),
        (
            {"form": {"@name": "Visit"}},
            {"form": {"@name": "Home"}},
            'expected "Home", found "Visit"',
        ),
    ],
)
def test_first_difference_is_described(body, inclusion, message):
    assert message in why(body, inclusion)


@pytest.mark.parametrize(
    ("body", "inclusion", "message"),
    [
        ({"a": ["x", "y"]}, {"a": ["x", "z"]}, 'a[*]: expected "z", found ["x", "y"]'),
        ({"a": []}, {"a": [{"b": 1}]}, "a[*]: expected {b: 1}, found []"),
        ({"a": [{"b": {"c": 2}}]}, {"a": [{"b": {"c": 1}}]}, "a[0].b.c: expected 1, found 2"),
        ({"a": [0, {"b": 2}]}, {"a": [{"b": 1}]}, "a[1].b: expected 1, found 2"),
        (
            {"a": [{"b": 2}, {"b": 3}]},
            {"a": [{"b": 1}]},
            "a[*]: expected {b: 1}, found [{b: 2}, {b: 3}]",
        ),
        ([{"a": 1}], [{"a": 2}], "[0].a: expected 2, found 1"),
    ],
)
def test_single_candidate_in_a_list_is_compared_and_several_are_shown(body, inclusion, message):
    assert why(body, inclusion) == message


@pytest.mark.parametrize(
    ("expected", "actual", "message"),
    [
        (1, "1", 'expected 1, found "1"'),
        ("1", 1, 'expected "1", found 1'),
        (True, 1, "expected true, found 1"),
        (1, True, "expected 1, found true"),
        (0, False, "expected 0, found false"),
        (Decimal("1.0"), True, "expected 1.0, found true"),
        ("true", True, 'expected "true", found true'),
        (None, "", 'expected null, found ""'),
        (None, "null", 'expected null, found "null"'),
        ("x", None, 'expected "x", found null'),
        (
            Decimal("1.50"),
            Decimal("1.5000000000000000000001"),
            "expected 1.50, found 1.5000000000000000000001",
        ),
        ("x ", "x", 'expected "x ", found "x"'),
    ],
)
def test_values_of_different_types_are_distinguished(expected, actual, message):
    assert why({"a": actual}, {"a": expected}) == f"a: {message}"


def test_missing_key_is_not_null():
    assert why({}, {"a": None}) == "a: expected null, but there is no such key"


def test_texts_that_look_alike_are_distinguished():
    assert why({"a": "Zoe\u0301"}, {"a": "Zo\u00e9"}) == (
        'a: expected "Zo\\u00e9", found "Zoe\\u0301"'
    )
    assert why({"a": "a\u00a0b"}, {"a": "a b"}) == 'a: expected "a b", found "a\\u00a0b"'
    long = "http://openrosa.org/" + "x" * 200
    assert why({"a": long + "1"}, {"a": long + "2"}).endswith('1"')


def test_large_value_is_truncated():
    assert len(why({"a": [{"n": n} for n in range(1000)]}, {"a": ["x"]})) < 200


@pytest.mark.parametrize(
    ("key", "shown"), [("a.b", '"a.b"'), ("group1/name", "group1/name"), ("", '""'), ("@x", "@x")]
)
def test_key_that_looks_like_a_path_is_quoted(key, shown):
    assert (
        why({"a": {"b": 1}}, {"a": {key: 1}}) == f"a.{shown}: expected 1, but there is no such key"
    )


def test_trigger_of_another_inbox_names_its_inbox():
    assert why({"a": 1}, {"a": 1}, inbox="commcare") == "accepts only messages of inbox field"
    assert why({"a": 1}, {"a": 1}, inbox="field") == ""


def test_matching_exclusion_is_named():
    verdict = explain(
        MessageTrigger("form", None, ({},), ({"a": 2}, {"a": 1})), "field", {"a": 1, "b": 2}
    )
    assert not verdict.matches
    assert verdict.why == "excluded: the body contains exclusion 2, {a: 1}"


def test_difference_from_every_inclusion_is_described():
    trigger = MessageTrigger("form", None, ({"form": "a"}, {"form": "b", "site": 1}))
    verdict = explain(trigger, None, {"form": "b", "site": 2})
    assert verdict.why == (
        'inclusion 1: form: expected "a", found "b"; inclusion 2: site: expected 1, found 2'
    )
    assert explain(trigger, None, {"form": "a"}).matches
    assert explain(trigger, None, {"form": "b", "site": 1}).matches
    many = MessageTrigger("form", None, tuple({"form": n} for n in range(9)))
    assert explain(many, None, {"form": 9}).why.endswith("expected 4, found 9; and 4 more")


def test_matching_trigger_has_no_reason():
    verdict = explain(MessageTrigger("form", "field", ({"a": 1},), ({"a": 2},)), "field", {"a": 1})
    assert (verdict.matches, verdict.why, verdict.difference) == (True, "", None)


def test_difference_has_the_expected_and_the_actual_value():
    first = difference({"a": 1}, {"b": {"c": 2}})
    assert (first.path, first.expected, first.actual) == ("b", {"c": 2}, MISSING)


def test_difference_exists_exactly_if_postgresql_finds_no_match():
    for case in CASES:
        body, inclusion = parse_part(case, "message"), parse_part(case, "fragment")
        exclusions = exclusions_of(case)
        verdict = explain(MessageTrigger("t", None, (inclusion,), exclusions), None, body)
        assert verdict.matches == case["match"], case["name"]
        assert verdict.matches == (verdict.why == ""), case["name"]
        if not exclusions:
            assert (difference(body, inclusion) is None) == case["match"], case["name"]
    assert len(CASES) > 200
