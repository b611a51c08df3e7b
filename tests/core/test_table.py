"""The table: many items written in few calls, each group of them all or none."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from openfn.storage import aws, table
from tests.conftest import hook_aws_call

NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


@pytest.fixture
def calls(create_job_stack):
    create_job_stack(NOTHING)
    found = []
    hooks = aws.client("dynamodb").meta.events
    hooks.register("before-parameter-build", lambda model, **_: found.append(model.name))
    return found


def item(number, **more):
    return {"pk": f"p{number}", "sk": "s", "expires": 2**40, **more}


def read(*numbers):
    found = table.get([{"pk": f"p{number}", "sk": "s"} for number in numbers])
    return {each["pk"]: each for each in found}


def test_one_item_is_one_put_and_many_are_one_transaction(calls):
    assert table.put_groups([[item(0)]]) == [None]
    assert table.put_groups([[item(n)] for n in range(1, 101)]) == [None] * 100
    assert calls == ["PutItem", "TransactWriteItems"]
    assert len(read(*range(101))) == 101


def test_a_call_takes_a_hundred_items_and_a_few_megabytes(calls):
    table.put_groups([[item(n)] for n in range(250)])
    assert calls == ["TransactWriteItems"] * 3
    del calls[:]
    table.put_groups([[item(1000 + n, body=b"x" * 390_000)] for n in range(20)])
    assert calls == ["TransactWriteItems"] * 3


def test_what_exists_is_given_and_the_rest_is_written(calls):
    table.put(item(3, mine="first"))
    existing = table.put_groups([[item(n, mine="second")] for n in range(5)])
    assert [each and each["mine"] for each in existing] == [None, None, None, "first", None]
    found = read(0, 3, 4)
    assert (found["p0"]["mine"], found["p3"]["mine"]) == ("second", "first")


def test_a_group_is_written_whole_or_not_at_all(calls):
    table.put(item(1))
    assert [bool(each) for each in table.put_groups([[item(0), item(1)], [item(2), item(3)]])] == [
        True,
        False,
    ]
    assert sorted(read(0, 1, 2, 3)) == ["p1", "p2", "p3"]


def test_of_two_groups_with_the_same_item_the_later_finds_the_other(calls):
    groups = [[item(0, mine="a"), item(9, mine="a")], [item(1), item(9, mine="b")]]
    existing = table.put_groups(groups)
    assert [each and each["mine"] for each in existing] == [None, "a"]
    assert sorted(read(0, 1, 9)) == ["p0", "p9"]


def test_nothing_to_write_is_no_call(calls):
    assert table.put_groups([]) == []
    assert calls == []


def test_what_is_wrong_with_the_service_is_passed_on(create_job_stack):
    create_job_stack(NOTHING)
    with pytest.raises(ClientError, match="ValidationException"):
        table.put_groups([[item(0)], [{"pk": "", "sk": ""}]])


def test_what_a_read_left_out_is_read_again(calls):
    for number in range(5):
        table.put(item(number))
    left = []

    def leave_out(parsed, **_):
        if not left:
            (name,) = parsed["Responses"]
            left.append(parsed["Responses"][name].pop())
            key = {each: left[0][each] for each in ("pk", "sk")}
            parsed["UnprocessedKeys"] = {name: {"Keys": [key]}}

    with hook_aws_call("after-call.dynamodb.BatchGetItem", leave_out):
        assert len(read(*range(5))) == 5
    assert left
