"""The table: many items in few calls, and each group completely or not at all."""

from __future__ import annotations

import pytest

from openfn.errors import ConditionFailed
from openfn.storage import table
from openfn.storage.errors import CallRefused
from tests.support.call_hooks import hook_aws_call

NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


@pytest.fixture
def calls(create_job_stack):
    create_job_stack(NOTHING)
    names = []

    def record(model, **_):
        names.append(model.name)

    with hook_aws_call("before-parameter-build.dynamodb", record):
        yield names


def item(number, **more):
    return {"pk": f"p{number}", "sk": "s", "expires": 2**40, **more}


def read_items(*numbers):
    items = table.get([{"pk": f"p{number}", "sk": "s"} for number in numbers])
    return {item["pk"]: item for item in items}


def test_one_item_is_a_put_and_several_are_a_transaction(calls):
    assert table.put_groups([[item(0)]]) == [None]
    assert table.put_groups([[item(n)] for n in range(1, 101)]) == [None] * 100
    assert calls == ["PutItem", "TransactWriteItems"]
    assert len(read_items(*range(101))) == 101


def test_calls_are_limited_in_items_and_bytes(calls):
    table.put_groups([[item(n)] for n in range(250)])
    assert calls == ["TransactWriteItems"] * 3
    del calls[:]
    table.put_groups([[item(1000 + n, body=b"x" * 390_000)] for n in range(20)])
    assert calls == ["TransactWriteItems"] * 3


def test_existing_items_are_returned_and_others_are_written(calls):
    table.put(item(3, written="first"))
    existing = table.put_groups([[item(n, written="second")] for n in range(5)])
    assert [item and item["written"] for item in existing] == [None, None, None, "first", None]
    items = read_items(0, 3, 4)
    assert (items["p0"]["written"], items["p3"]["written"]) == ("second", "first")


def test_group_is_written_completely_or_not_at_all(calls):
    table.put(item(1))
    existing = table.put_groups([[item(0), item(1)], [item(2), item(3)]])
    assert [item is not None for item in existing] == [True, False]
    assert sorted(read_items(0, 1, 2, 3)) == ["p1", "p2", "p3"]


def test_second_group_with_the_same_key_finds_the_first(calls):
    groups = [[item(0, written="a"), item(9, written="a")], [item(1), item(9, written="b")]]
    existing = table.put_groups(groups)
    assert [item and item["written"] for item in existing] == [None, "a"]
    assert sorted(read_items(0, 1, 9)) == ["p0", "p9"]


def test_empty_write_makes_no_call(calls):
    assert table.put_groups([]) == []
    assert calls == []


def test_errors_of_the_service_are_raised(create_job_stack):
    create_job_stack(NOTHING)
    with pytest.raises(CallRefused) as raised:
        table.put_groups([[item(0)], [{"pk": "", "sk": ""}]])
    assert raised.value.code == "ValidationException"


def test_unprocessed_keys_are_read_again(calls):
    for number in range(5):
        table.put(item(number))
    left_out = []

    def leave_one_out(parsed, **_):
        if not left_out:
            (table_name,) = parsed["Responses"]
            left_out.append(parsed["Responses"][table_name].pop())
            key = {name: left_out[0][name] for name in ("pk", "sk")}
            parsed["UnprocessedKeys"] = {table_name: {"Keys": [key]}}

    with hook_aws_call("after-call.dynamodb.BatchGetItem", leave_one_out):
        assert len(read_items(*range(5))) == 5
    assert left_out


def test_failed_condition_raises_with_the_item_and_writes_nothing(calls):
    table.put(item(0, status="queued"))
    key = {"pk": "p0", "sk": "s"}
    with pytest.raises(ConditionFailed) as raised:
        table.update(key, {"status": "ended"}, "#status = :running", running="running")
    assert raised.value.item == item(0, status="queued")
    with pytest.raises(ConditionFailed) as raised:
        table.update_and_put(key, {"a": 1}, "#status = :running", item(1), running="running")
    assert raised.value.item == item(0, status="queued")
    assert read_items(0, 1) == {"p0": item(0, status="queued")}


def test_failed_condition_on_a_missing_item_raises_with_an_empty_item(calls):
    with pytest.raises(ConditionFailed) as raised:
        table.update({"pk": "p7", "sk": "s"}, {"a": 1}, "attribute_exists(pk)")
    assert raised.value.item == {}
