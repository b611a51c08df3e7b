"""The types of items, determined from their keys."""

from __future__ import annotations

import pytest

from openfn import ids
from openfn.storage.item_type import ItemType, item_type

MESSAGE = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@pytest.mark.parametrize(
    ("sort_key", "expected"),
    [
        (MESSAGE, ItemType.MESSAGE),
        (f"{MESSAGE}#", ItemType.UNMATCHED),
        (f"{MESSAGE}#register-household", ItemType.RUN),
        (f"{MESSAGE}#register-household#0001", ItemType.ATTEMPT),
    ],
)
def test_items_of_a_day_have_their_type_in_the_sort_key(sort_key, expected):
    assert item_type(ids.key_of(sort_key)) is expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ({"pk": f"once#{'0' * 64}", "sk": "once"}, ItemType.DEDUPE_KEY),
        ({"pk": "credential#dhis2", "sk": "circuit"}, ItemType.CIRCUIT),
        ({"pk": "job#nightly", "sk": "state"}, ItemType.CRON_STATE),
        ({"pk": "clock", "sk": "tick"}, ItemType.CLOCK),
        ({"pk": "reconciliation", "sk": "position"}, ItemType.RECONCILIATION),
        ({"pk": "counts", "sk": "position"}, ItemType.COUNTS),
        ({"pk": "counts#2026-03-09", "sk": "10"}, ItemType.COUNTS),
    ],
)
def test_other_items_have_their_type_in_the_partition_key(key, expected):
    assert item_type(key) is expected
