"""Ids that say where their items are."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from openfn import ids
from openfn.errors import NotFound

# RFC 9562, appendix A.6: the UUIDv7 of 22 February 2022, 19:22:22 UTC.
EXAMPLE = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
MOMENT = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_a_message_id_is_a_uuid_of_version_7():
    made = uuid.UUID(ids.new_message_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_the_rfcs_own_example_is_read_as_the_rfc_says():
    assert ids.received_at(EXAMPLE) == MOMENT


def test_an_id_says_when_its_message_was_received():
    before = datetime.now(UTC)
    received = ids.received_at(ids.new_message_id())
    after = datetime.now(UTC)
    assert before - timedelta(milliseconds=1) <= received <= after


def test_ids_sort_in_the_order_of_receipt():
    # 4096 steps in a millisecond are 244 ns each: within one of them the order is left to chance.
    made = [ids.new_message_id() for _ in range(2000)]
    clocks = [each[:18] for each in made]
    assert clocks == sorted(clocks)
    assert len(set(clocks)) > len({each[:13] for each in made})  # finer than milliseconds


def test_ids_are_unique_and_spread_over_all_shards():
    made = {ids.new_message_id() for _ in range(2000)}
    assert len(made) == 2000
    assert {ids.key_of(each)["pk"].rpartition("#")[2] for each in made} == set("0123456789abcdef")


def test_the_key_is_the_utc_day_and_a_shard_and_then_the_id():
    assert ids.key_of(EXAMPLE) == {"pk": "2022-02-22#f", "sk": EXAMPLE}


def test_a_days_last_and_next_days_first_millisecond_have_different_partitions():
    midnight = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1000)
    days = []
    for milliseconds in (midnight - 1, midnight):
        text = f"{milliseconds:012x}"
        days.append(ids.key_of(f"{text[:8]}-{text[8:]}-7000-8000-000000000000")["pk"])
    assert days == ["2024-02-29#0", "2024-03-01#0"]


def test_a_run_lies_beside_its_message():
    run = ids.run_id(EXAMPLE, "register-household")
    assert run == f"{EXAMPLE}#register-household"
    assert ids.key_of(run) == {"pk": ids.key_of(EXAMPLE)["pk"], "sk": run}
    assert ids.source_id_of(run) == EXAMPLE


def test_the_same_message_and_job_always_give_the_same_run():
    assert ids.run_id(EXAMPLE, "a") == ids.run_id(EXAMPLE, "a")
    assert ids.run_id(EXAMPLE, "a") != ids.run_id(EXAMPLE, "b")


def test_a_message_is_its_own_message():
    assert ids.source_id_of(EXAMPLE) == EXAMPLE


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "#job",
        "text",
        f" {EXAMPLE}",
        f"{EXAMPLE}\n",
        f"{EXAMPLE}0",
        EXAMPLE.upper(),
        EXAMPLE.replace("-", ""),
        EXAMPLE.replace("-7", "-4"),  # a UUID of another version holds no time
        EXAMPLE.replace("-98", "-18"),
        "ffffffff-ffff-7000-8000-000000000000",  # a year beyond Python's
    ],
)
def test_what_is_no_id_of_ours_is_not_found(identifier):
    with pytest.raises(NotFound, match="neither a message's nor a run's"):
        ids.key_of(identifier)
