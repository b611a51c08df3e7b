"""Ids of messages and runs, and the keys that they contain."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from openfn import ids
from openfn.errors import NotFound

# RFC 9562, appendix A.6: the UUIDv7 of 22 February 2022, 19:22:22 UTC.
EXAMPLE = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
EXAMPLE_TIME = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_message_id_is_a_uuid_of_version_7():
    parsed = uuid.UUID(ids.new_message_id())
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_example_of_the_rfc_has_its_time():
    assert ids.received_at(EXAMPLE) == EXAMPLE_TIME


def test_id_contains_the_time_of_receipt():
    before = datetime.now(UTC)
    received = ids.received_at(ids.new_message_id())
    after = datetime.now(UTC)
    assert before - timedelta(milliseconds=1) <= received <= after


def test_ids_sort_in_the_order_of_receipt():
    # A millisecond has 4096 steps of 244 ns; within one step the order is random.
    new_ids = [ids.new_message_id() for _ in range(2000)]
    times = [message_id[:18] for message_id in new_ids]
    assert times == sorted(times)
    milliseconds = {message_id[:13] for message_id in new_ids}
    assert len(set(times)) > len(milliseconds)


def test_ids_are_unique_and_use_all_shards():
    new_ids = {ids.new_message_id() for _ in range(2000)}
    assert len(new_ids) == 2000
    shards = {ids.key_of(message_id)["pk"].rpartition("#")[2] for message_id in new_ids}
    assert shards == set("0123456789abcdef")


def test_key_is_the_utc_day_with_shard_and_the_id():
    assert ids.key_of(EXAMPLE) == {"pk": "2022-02-22#f", "sk": EXAMPLE}


def test_partition_changes_at_midnight():
    midnight = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1000)
    days = []
    for milliseconds in (midnight - 1, midnight):
        text = f"{milliseconds:012x}"
        days.append(ids.key_of(f"{text[:8]}-{text[8:]}-7000-8000-000000000000")["pk"])
    assert days == ["2024-02-29#0", "2024-03-01#0"]


def test_run_is_in_the_partition_of_its_message():
    run = ids.run_id(EXAMPLE, "register-household")
    assert run == f"{EXAMPLE}#register-household"
    assert ids.key_of(run) == {"pk": ids.key_of(EXAMPLE)["pk"], "sk": run}
    assert ids.source_id_of(run) == EXAMPLE


def test_run_id_depends_on_message_and_job_only():
    assert ids.run_id(EXAMPLE, "a") == ids.run_id(EXAMPLE, "a")
    assert ids.run_id(EXAMPLE, "a") != ids.run_id(EXAMPLE, "b")


@pytest.mark.parametrize(
    ("upstream", "branch"),
    [
        ("register", "register"),
        ("register@import", "register@import"),
        ("a@b@c", "a@b@c"),
        ("a" * 64, "a" * 64),
        ("a" * 63 + "@b", "10aca07acb24408cf8a80b2bfccc0dae"),
        ("a" * 64 + "@" + "b" * 64, "2562acb888e111bc4fd397a5743173fa"),
    ],
)
def test_branch_is_the_upstream_run_or_its_digest(upstream, branch):
    upstream_id = f"{EXAMPLE}#{upstream}"
    assert ids.branch_after(upstream_id) == branch
    run = ids.run_id(EXAMPLE, "deliver", branch)
    assert run == f"{EXAMPLE}#deliver@{branch}"
    assert ids.is_run_id(run)
    assert (ids.source_id_of(run), ids.path_of(run)) == (EXAMPLE, f"deliver@{branch}")
    assert ids.key_of(run) == {"pk": ids.key_of(EXAMPLE)["pk"], "sk": run}


def test_source_of_a_message_id_is_itself():
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
        EXAMPLE.replace("-7", "-4"),  # a UUID of another version has no time
        EXAMPLE.replace("-98", "-18"),
        "ffffffff-ffff-7000-8000-000000000000",  # a year beyond Python's
    ],
)
def test_invalid_id_is_not_found(identifier):
    with pytest.raises(NotFound, match="neither a message's nor a run's"):
        ids.key_of(identifier)
