"""When a job runs: inbox, inclusion, exclusions, and the query string of the inbox's URL."""

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
def test_a_trigger_takes_messages_of_its_inbox_only(inbox, matched):
    trigger = MessageTrigger("t", "field-data", GROUPS)
    assert matches(trigger, inbox, {**GROUPS, "village": "Kisumu"}) is matched


@pytest.mark.parametrize("inbox", ["field-data", "other"])
def test_a_trigger_without_an_inbox_takes_messages_of_any(inbox):
    assert matches(MessageTrigger("t", None, GROUPS), inbox, GROUPS) is True


@pytest.mark.parametrize("body", [{}, {"_xform_id_string": "other"}, [GROUPS], "groups", None])
def test_a_message_without_the_inclusion_is_not_taken(body):
    assert matches(MessageTrigger("t", None, GROUPS), "any", body) is False


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
def test_any_of_the_exclusions_excludes(body, matched):
    trigger = MessageTrigger("t", None, {"a": 1}, ({"status": "draft"}, {"test": True}))
    assert matches(trigger, "any", body) is matched


def test_an_exclusion_of_two_keys_excludes_only_where_both_are_there():
    trigger = MessageTrigger("t", None, {}, ({"duplicate": "1", "test": "Yes"},))
    assert matches(trigger, "any", {"duplicate": "1", "test": "No"}) is True
    assert matches(trigger, "any", {"duplicate": "1", "test": "Yes"}) is False


def test_the_query_string_can_be_matched():
    trigger = MessageTrigger("t", None, {"__query_params": {"site": "A"}})
    assert matches(trigger, "any", with_query_params({"a": 1}, {"site": "A", "page": "2"})) is True
    assert matches(trigger, "any", with_query_params({"a": 1}, {"site": "B"})) is False
    assert matches(trigger, "any", with_query_params({"a": 1}, {})) is False


def test_the_query_string_can_exclude():
    trigger = MessageTrigger("t", None, {}, ({"__query_params": {"test": "1"}},))
    assert matches(trigger, "any", with_query_params({}, {"test": "1"})) is False
    assert matches(trigger, "any", with_query_params({}, {})) is True


def test_a_repeated_query_parameter_is_matched_like_any_list():
    body = with_query_params({}, {"site": ["A", "B"]})
    assert (
        matches(MessageTrigger("t", None, {"__query_params": {"site": ["B"]}}), "any", body) is True
    )


def test_to_match_the_query_string_leaves_the_body_as_it_is():
    body = {"a": 1}
    with_query_params(body, {"site": "A"})
    assert body == {"a": 1}


def test_a_body_that_brings_its_own_query_parameters_keeps_them_if_the_url_has_none():
    assert with_query_params({"__query_params": {"a": "1"}}, {}) == {"__query_params": {"a": "1"}}


def test_the_urls_query_string_wins_over_what_a_body_claims():
    body = with_query_params({"__query_params": {"site": "A"}}, {"site": "B"})
    assert body == {"__query_params": {"site": "B"}}


@pytest.mark.parametrize("body", [[{"a": 1}], "text", 7, None])
def test_a_body_that_is_no_object_is_matched_as_it_is(body):
    assert with_query_params(body, {"site": "A"}) == body


def ordered(path):
    return MessageTrigger("t", None, {}, (), path)


@pytest.mark.parametrize("value", ["a1", 7, Decimal("1.50"), True, ["a"], {"b": 1}, "half \ud83d"])
def test_messages_that_share_the_value_ordered_by_share_an_order_and_others_do_not(value):
    trigger = ordered(("form", 0, "case_id"))
    order = order_key(trigger, {"form": [{"case_id": value, "other": 1}]})
    assert order == order_key(trigger, {"x": 2, "form": [{"case_id": value}]})
    assert order != order_key(trigger, {"form": [{"case_id": "b2"}]})
    assert len(order) == 32


@pytest.mark.parametrize(
    "body", [{}, {"form": []}, {"form": {}}, {"form": [{"case_id": None}]}, [], "form", None]
)
def test_a_message_without_the_value_ordered_by_has_no_order(body):
    assert order_key(ordered(("form", 0, "case_id")), body) is None


def test_an_empty_value_is_no_order_and_neither_is_no_path():
    assert order_key(ordered(("case_id",)), {"case_id": ""}) is None
    assert order_key(ordered(()), {"case_id": "a"}) is None


def test_numbers_are_told_apart_as_in_matching():
    def order(value):
        return order_key(ordered(("n",)), {"n": value})

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


def test_a_place_from_the_end_of_a_list_that_is_not_there_is_nothing():
    assert order_key(ordered(("visits", -1)), {"visits": []}) is None
    assert order_key(ordered(("visits", -1)), {"visits": [1, 2]}) is not None
