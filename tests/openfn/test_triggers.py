"""Message triggers: inbox, inclusion, exclusions, query string and order."""

from __future__ import annotations

from decimal import Decimal

import pytest

from openfn.project import trigger_index
from openfn.project.triggers import MessageTrigger, order_key, with_query_params
from workbench.project.index_builder import build_index

GROUPS = {"_xform_id_string": "groups"}


def matches(trigger, inbox, body):
    return trigger_index.load(build_index([trigger])).matching(inbox, body) == [0]


@pytest.mark.parametrize(("inbox", "matched"), [("field-data", True), ("other", False)])
def test_trigger_matches_messages_of_its_inbox_only(inbox, matched):
    trigger = MessageTrigger("t", "field-data", (GROUPS,))
    assert matches(trigger, inbox, {**GROUPS, "village": "Kisumu"}) is matched


@pytest.mark.parametrize("inbox", ["field-data", "other"])
def test_trigger_without_an_inbox_matches_any_inbox(inbox):
    assert matches(MessageTrigger("t", None, (GROUPS,)), inbox, GROUPS) is True


@pytest.mark.parametrize("body", [{}, {"_xform_id_string": "other"}, [GROUPS], "groups", None])
def test_message_without_the_inclusion_does_not_match(body):
    assert matches(MessageTrigger("t", None, (GROUPS,)), "any", body) is False


@pytest.mark.parametrize(
    ("body", "matched"),
    [
        ({"a": 1}, True),
        ({"a": 1, "status": "draft"}, False),
        ({"a": 1, "test": True}, False),
        ({"a": 1, "status": "draft", "test": True}, False),
        ({"a": 1, "status": "final", "test": False}, True),
        ({"status": "final"}, False),
    ],
)
def test_each_exclusion_excludes_by_itself(body, matched):
    trigger = MessageTrigger("t", None, ({"a": 1},), ({"status": "draft"}, {"test": True}))
    assert matches(trigger, "any", body) is matched


def test_exclusion_of_two_keys_needs_both():
    trigger = MessageTrigger("t", None, ({},), ({"duplicate": "1", "test": "Yes"},))
    assert matches(trigger, "any", {"duplicate": "1", "test": "No"}) is True
    assert matches(trigger, "any", {"duplicate": "1", "test": "Yes"}) is False


def test_query_string_can_be_matched():
    trigger = MessageTrigger("t", None, ({"__query_params": {"site": "A"}},))
    assert matches(trigger, "any", with_query_params({"a": 1}, {"site": "A", "page": "2"})) is True
    assert matches(trigger, "any", with_query_params({"a": 1}, {"site": "B"})) is False
    assert matches(trigger, "any", with_query_params({"a": 1}, {})) is False


def test_query_string_can_exclude():
    trigger = MessageTrigger("t", None, ({},), ({"__query_params": {"test": "1"}},))
    assert matches(trigger, "any", with_query_params({}, {"test": "1"})) is False
    assert matches(trigger, "any", with_query_params({}, {})) is True


def test_repeated_query_parameter_is_matched_as_a_list():
    body = with_query_params({}, {"site": ["A", "B"]})
    assert (
        matches(MessageTrigger("t", None, ({"__query_params": {"site": ["B"]}},)), "any", body)
        is True
    )


def test_matching_the_query_string_does_not_change_the_body():
    body = {"a": 1}
    with_query_params(body, {"site": "A"})
    assert body == {"a": 1}


def test_query_params_in_the_body_stay_if_the_url_has_none():
    assert with_query_params({"__query_params": {"a": "1"}}, {}) == {"__query_params": {"a": "1"}}


def test_query_string_of_the_url_overrides_the_body():
    body = with_query_params({"__query_params": {"site": "A"}}, {"site": "B"})
    assert body == {"__query_params": {"site": "B"}}


@pytest.mark.parametrize("body", [[{"a": 1}], "text", 7, None])
def test_body_that_is_not_an_object_is_unchanged(body):
    assert with_query_params(body, {"site": "A"}) == body


def trigger_ordered_by(path):
    return MessageTrigger("t", None, ({},), (), path)


@pytest.mark.parametrize("value", ["a1", 7, Decimal("1.50"), True, ["a"], {"b": 1}, "half \ud83d"])
def test_messages_with_the_same_value_have_the_same_order_key(value):
    trigger = trigger_ordered_by(("form", 0, "case_id"))
    order = order_key(trigger, {"form": [{"case_id": value, "other": 1}]})
    assert order == order_key(trigger, {"x": 2, "form": [{"case_id": value}]})
    assert order != order_key(trigger, {"form": [{"case_id": "b2"}]})
    assert len(order) == 32


@pytest.mark.parametrize(
    "body", [{}, {"form": []}, {"form": {}}, {"form": [{"case_id": None}]}, [], "form", None]
)
def test_message_without_the_value_has_no_order_key(body):
    assert order_key(trigger_ordered_by(("form", 0, "case_id")), body) is None


def test_empty_value_or_path_has_no_order_key():
    assert order_key(trigger_ordered_by(("case_id",)), {"case_id": ""}) is None
    assert order_key(trigger_ordered_by(()), {"case_id": "a"}) is None


def test_order_key_compares_numbers_as_matching_does():
    def order(value):
        return order_key(trigger_ordered_by(("n",)), {"n": value})

    assert order(1) == order(Decimal("1.0")) == order(Decimal("1e0"))
    assert (
        len(
            {
                order(1),
                order("1"),
                order("1.0"),
                order(value=True),
                order(Decimal("1.5")),
                order(Decimal("1e9999")),
            }
        )
        == 6
    )
    assert order({"a": 1, "b": 2}) == order({"b": 2, "a": 1})


def test_index_from_the_end_of_an_empty_list_has_no_order_key():
    assert order_key(trigger_ordered_by(("visits", -1)), {"visits": []}) is None
    assert order_key(trigger_ordered_by(("visits", -1)), {"visits": [1, 2]}) is not None
