"""The state of a job: the initial state, and its form as stored JSON."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest

from openfn import ids
from openfn.errors import UnreadableBody
from openfn.jobs import initial_state
from openfn.jobs import state as states
from openfn.messages.store import Message


def message(body, **parts):
    return Message(ids.new_message_id(), "field-data", body, **parts)


def parse_stored(state):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(states.to_json(state), parse_constant=refuse)


class Odd:
    def __repr__(self):
        return "Odd()"

    def __str__(self):
        return "odd"


def test_initial_state_has_body_request_configuration_and_no_references():
    posted = message(
        b'{"age": 7, "weight": 3.5}',
        method="PUT",
        headers={"user-agent": "Kobo"},
        query_params={"site": ["A", "B"]},
    )
    assert states.with_configuration(
        initial_state.of_message(posted).build(), {"baseUrl": "https://dhis2.org"}
    ) == {
        "data": {"age": 7, "weight": 3.5},
        "request": {
            "method": "PUT",
            "headers": {"user-agent": "Kobo"},
            "query_params": {"site": ["A", "B"]},
        },
        "configuration": {"baseUrl": "https://dhis2.org"},
        "references": [],
    }


def test_fractions_in_the_state_are_floats():
    weight = initial_state.of_message(message(b'{"weight": 3.50}')).build()["data"]["weight"]
    assert type(weight) is float


def test_changes_to_the_state_do_not_change_message_or_credential():
    posted = message(b"{}", headers={"a": "1"}, query_params={"b": "2"})
    credential = {"password": "x"}
    state = states.with_configuration(initial_state.of_message(posted).build(), credential)
    state["configuration"].clear()
    state["request"]["headers"].clear()
    state["request"]["query_params"].clear()
    assert (posted.headers, posted.query_params) == ({"a": "1"}, {"b": "2"})
    assert credential == {"password": "x"}


def test_unreadable_body_has_no_initial_state():
    with pytest.raises(UnreadableBody):
        initial_state.of_message(message(b"{")).build()


def test_final_state_is_stored_without_configuration():
    state = {"data": {"a": [1, None, "é"]}, "configuration": {"password": "s3cret"}, "mine": True}
    assert parse_stored(state) == {"data": {"a": [1, None, "é"]}, "mine": True}
    assert b"s3cret" not in states.to_json(state)


def test_to_json_does_not_change_the_state():
    state = {"data": {"when": date(2024, 2, 29)}, "configuration": {"a": 1}}
    states.to_json(state)
    assert state == {"data": {"when": date(2024, 2, 29)}, "configuration": {"a": 1}}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 1, 2, tzinfo=UTC), "2024-02-29T01:02:00+00:00"),
        (time(1, 2), "01:02:00"),
        (Decimal("1.50"), 1.5),
        (Decimal("2.00"), 2),
        (Decimal(2**70), 2**70),
        (Decimal("1e9999999"), "1E+9999999"),
        (Decimal("9" * 5000 + ".5"), "9" * 5000 + ".5"),
        (Decimal("NaN"), "NaN"),
        (Decimal("sNaN"), "sNaN"),
        (Decimal("Infinity"), "Infinity"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ((1, (2,)), [1, [2]]),
        ({7}, [7]),
        (frozenset([7]), [7]),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Odd(), "odd"),
        ("\ud800", "\ud800"),
    ],
    ids=repr,
)
def test_values_without_a_json_form_are_converted(value, stored):
    assert parse_stored({"data": [value, {"deep": value}]}) == {"data": [stored, {"deep": stored}]}


def test_nan_is_stored_as_text_and_other_values_as_they_are():
    state = {"data": [math.nan, date(2024, 2, 29), {"a": Decimal("0.5")}], "text": "NaN"}
    assert parse_stored(state) == {"data": ["NaN", "2024-02-29", {"a": 0.5}], "text": "NaN"}


def circular():
    value = []
    value.append(value)
    return value


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [circular(), deep(), {(1, 2): 3}, 10**5000], ids=["circular", "deep", "key", "digits"]
)
def test_values_that_cannot_be_written_as_json_are_replaced_by_the_reason(value):
    stored = parse_stored({"data": value, "cursor": 7, "configuration": {"password": "s3cret"}})
    assert stored["cursor"] == 7
    assert stored["data"].startswith("this cannot be written as JSON: ")
