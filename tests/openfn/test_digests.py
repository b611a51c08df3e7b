"""Digests of values, which order runs and recognize repeated records."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from openfn.errors import UnreadableBody
from openfn.project.fragments import contains
from openfn.project.inboxes import Inbox, dedupe_key
from openfn.project.triggers import MessageTrigger, order_key
from tests.conftest import ROOT

STORED = json.loads((ROOT / "tests/cases/digests.json").read_text("utf-8"))
INBOX = Inbox("i", dedupe=("v",))
TRIGGER = MessageTrigger("t", None, ({},), (), ("v",))
SMALL = [
    "0",
    "-0.0",
    "0e5",
    "1",
    "1.0",
    "1e0",
    "10e-1",
    "-1",
    "1.5",
    "1.50",
    "15e-1",
    '"1"',
    "true",
]
LARGE = ["1" + "0" * 40, "1e40", "1.0e40", "1e9999999", "10e9999998", "-1e9999999", "1e-9999999"]
LONG = ["1." + "0" * 40, "1." + "0" * 39 + "1", "1." + "0" * 39 + "10", "1." + "0" * 38 + "2"]
EDGE = ["1" + "0" * 4299, "1e4299", "1e4300", "10e4299"]


def body_of(text):
    return {"v": json.loads(text, parse_float=Decimal)}


@pytest.mark.parametrize(("text", "order", "dedupe"), STORED)
def test_digests_are_those_that_earlier_releases_have_stored(text, order, dedupe):
    assert order_key(TRIGGER, body_of(text)) == order
    assert dedupe_key(INBOX, body_of(text)) == dedupe


@pytest.mark.parametrize("first", SMALL + LARGE + LONG + EDGE)
def test_digests_agree_with_matching_on_equality(first):
    for second in SMALL + LARGE + LONG + EDGE:
        bodies = body_of(first), body_of(second)
        is_equal = contains(*bodies)
        assert (order_key(TRIGGER, bodies[0]) == order_key(TRIGGER, bodies[1])) is is_equal
        assert (dedupe_key(INBOX, bodies[0]) == dedupe_key(INBOX, bodies[1])) is is_equal


def test_digest_of_a_list_takes_the_exponents_of_its_integers_into_account():
    zeros = "0" * 4000
    assert order_key(TRIGGER, body_of(f"[1{zeros}, 2{zeros}]")) == order_key(
        TRIGGER, body_of("[1e4000, 20e3999]")
    )


def test_list_of_many_integers_with_large_exponents_has_no_digest():
    body = {"v": [Decimal("1e4299")] * 800_000}  # their digits would take 3.4 GB and minutes
    with pytest.raises(UnreadableBody, match="too many numbers with large exponents"):
        order_key(TRIGGER, body)
