"""When a job runs: inbox, inclusion, exclusions, and the query string of the inbox's URL."""

from __future__ import annotations

import pytest

from openfn.triggers import Trigger, matchable, matches

GROUPS = {"_xform_id_string": "groups"}


@pytest.mark.parametrize(("inbox", "matched"), [("field-data", True), ("other", False)])
def test_a_trigger_takes_messages_of_its_inbox_only(inbox, matched):
    trigger = Trigger("t", "field-data", GROUPS)
    assert matches(trigger, inbox, {**GROUPS, "village": "Kisumu"}) is matched


@pytest.mark.parametrize("inbox", ["field-data", "other"])
def test_a_trigger_without_an_inbox_takes_messages_of_any(inbox):
    assert matches(Trigger("t", None, GROUPS), inbox, GROUPS) is True


@pytest.mark.parametrize("body", [{}, {"_xform_id_string": "other"}, [GROUPS], "groups", None])
def test_a_message_without_the_inclusion_is_not_taken(body):
    assert matches(Trigger("t", None, GROUPS), "any", body) is False


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
    trigger = Trigger("t", None, {"a": 1}, ({"status": "draft"}, {"test": True}))
    assert matches(trigger, "any", body) is matched


def test_an_exclusion_of_two_keys_excludes_only_where_both_are_there():
    trigger = Trigger("t", None, {}, ({"duplicate": "1", "test": "Yes"},))
    assert matches(trigger, "any", {"duplicate": "1", "test": "No"}) is True
    assert matches(trigger, "any", {"duplicate": "1", "test": "Yes"}) is False


def test_the_query_string_can_be_matched():
    trigger = Trigger("t", None, {"__query_params": {"site": "A"}})
    assert matches(trigger, "any", matchable({"a": 1}, {"site": "A", "page": "2"})) is True
    assert matches(trigger, "any", matchable({"a": 1}, {"site": "B"})) is False
    assert matches(trigger, "any", matchable({"a": 1}, {})) is False


def test_the_query_string_can_exclude():
    trigger = Trigger("t", None, {}, ({"__query_params": {"test": "1"}},))
    assert matches(trigger, "any", matchable({}, {"test": "1"})) is False
    assert matches(trigger, "any", matchable({}, {})) is True


def test_a_repeated_query_parameter_is_matched_like_any_list():
    body = matchable({}, {"site": ["A", "B"]})
    assert matches(Trigger("t", None, {"__query_params": {"site": ["B"]}}), "any", body) is True


def test_to_match_the_query_string_leaves_the_body_as_it_is():
    body = {"a": 1}
    matchable(body, {"site": "A"})
    assert body == {"a": 1}


def test_a_body_that_brings_its_own_query_parameters_keeps_them_if_the_url_has_none():
    assert matchable({"__query_params": {"a": "1"}}, {}) == {"__query_params": {"a": "1"}}


def test_the_urls_query_string_wins_over_what_a_body_claims():
    body = matchable({"__query_params": {"site": "A"}}, {"site": "B"})
    assert body == {"__query_params": {"site": "B"}}


@pytest.mark.parametrize("body", [[{"a": 1}], "text", 7, None])
def test_a_body_that_is_no_object_is_matched_as_it_is(body):
    assert matchable(body, {"site": "A"}) == body
