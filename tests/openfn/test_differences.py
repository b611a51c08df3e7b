"""Every value that a trigger wants, with what the message has."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from openfn.history.differences import differences, explain_all
from openfn.history.why_not import MISSING
from openfn.project.fragments import contains
from openfn.project.triggers import MessageTrigger
from tests.support.containment_cases import CASES, parse_part
from tests.support.near_misses import body_and_fragment


def test_each_leaf_says_what_is_wanted_and_what_is_there():
    body = {"form": {"@name": "Visit", "n": 1}, "list": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}
    fragment = {"form": {"@name": "Visit", "n": "1"}, "list": [{"a": 3, "b": 5}], "x": {}}
    leaves = [
        (leaf.path, leaf.expected, leaf.actual, leaf.matches)
        for leaf in differences(body, fragment)
    ]
    assert leaves == [
        ("form.@name", "Visit", "Visit", True),
        ("form.n", "1", 1, False),
        ("list[1].a", 3, 3, True),
        ("list[1].b", 5, 4, False),
        ("x", {}, MISSING, False),
    ]


def test_nearest_trigger_comes_first():
    far = MessageTrigger("far", "inbox-a", ({"a": 2, "b": 2, "c": 2},))
    near = MessageTrigger("near", "inbox-a", ({"z": 1, "y": 1}, {"a": 1, "b": 2}))
    other_inbox = MessageTrigger("other", "inbox-b", ({"a": 1, "b": 1},))
    excluded = MessageTrigger("excluded", None, ({"a": 1},), ({"b": 1}, {"b": 2}))
    matching = MessageTrigger("matching", None, ({"c": 1}, {"a": 1, "b": 1}))
    body = {"a": 1, "b": 1}
    triggers = [far, near, other_inbox, excluded, matching]
    explained = explain_all(triggers, "inbox-a", body)
    assert [explanation.trigger.name for explanation in explained] == [
        *("matching", "other", "near", "excluded", "far"),
    ]
    assert [explanation.matches for explanation in explained] == [True, False, False, False, False]


def test_leaves_agree_with_containment_in_all_cases():
    for case in CASES:
        body, fragment = parse_part(case, "message"), parse_part(case, "fragment")
        assert all(leaf.matches for leaf in differences(body, fragment)) == contains(body, fragment)


@given(st.integers(0, 2**32))
def test_leaves_agree_with_containment_of_near_misses(seed):
    body, fragment = body_and_fragment(Random(seed))
    assert all(leaf.matches for leaf in differences(body, fragment)) == contains(body, fragment)
