"""Problems in a job's code that loading it does not show."""

from __future__ import annotations

from textwrap import dedent

import pytest

from workbench.project.job_lint import members_of_groups, operations_not_run, unknown_inboxes


def problems_of(code):
    return list(operations_not_run(dedent(code).encode()))


@pytest.mark.parametrize(
    ("imported", "call", "name"),
    [
        ("from adaptors.http import post", "post('x', {})", "post"),
        ("from adaptors.http import post as send", "send('x', {})", "send"),
        ("from adaptors import http", "http.post('x', {})", "http.post"),
        ("from adaptors.common import http", "http.post('x', {})", "http.post"),
        ("from adaptors.common import log", "log('x')", "log"),
        ("import adaptors.http", "adaptors.http.post('x', {})", "adaptors.http.post"),
    ],
)
def test_operation_that_a_function_drops_is_reported(imported, call, name):
    code = f"{imported}\ndef send(state):\n    {call}\n    return state\n"
    ((line, message),) = problems_of(code)
    assert line == 3
    assert message == (
        f"`{name}(…)` inside a function is an operation that never runs. Write `{name}(…)(state)`."
    )


def test_variable_with_the_name_of_an_import_is_not_reported():
    assert not problems_of("""
        from adaptors.common import chunk, fields, index

        def send(state):
            index = []
            index.append(1)
            fields = {}
            fields.update(chunk(index, 2))
            return state
    """)


def test_operations_that_run_and_other_calls_are_not_reported():
    assert not problems_of("""
        from adaptors.common import each, fn
        from adaptors.http import post

        def send(state):
            print("sending")
            state = post("x", {})(state)
            if state["data"]:
                return each("[*]", post("y"))(state)
            post("z")(state)
            return state

        fn(send)
        post("top")
    """)


@pytest.mark.parametrize(
    ("call", "messages"),
    [
        ('emit("feild")', ["There is no inbox `feild`. The project has: field, other."]),
        (
            'each("a[*]", emit(inbox="feild"))',
            ["There is no inbox `feild`. The project has: field, other."],
        ),
        ('emit("field", {"a": 1})', []),
        ('emit(data_value("inbox"))', []),
        ("emit(NAME)", []),
    ],
)
def test_emit_to_an_unknown_inbox_is_reported(call, messages):
    code = f"from adaptors.common import each, emit\n{call}\n".encode()
    assert [text for _, text in unknown_inboxes(code, ["field", "other"])] == messages


def test_emit_under_an_alias_is_reported():
    code = b'from adaptors.common import emit as send\nsend("feild")\n'
    assert [line for line, _ in unknown_inboxes(code, ["field"])] == [2]


def test_emit_function_of_the_job_is_not_reported():
    code = b"def emit(inbox):\n    return None\n\n\nemit('feild')\n"
    assert list(unknown_inboxes(code, ["field"])) == []


@pytest.mark.parametrize(
    ("calls", "lines"),
    [
        ('group("[*]", "village")\neach("[*]", emit("a"))', [3]),
        ('group("[*]", "village")\nlog("grouped")\neach(merge("[*]", {}), emit("a"))', [4]),
        ('combine(group("visits", "village"), map("[*].name", index()))', [2]),
        ('each("forms", group("[*]", "village"), each("[*]", emit("a")))', [2]),
        ('group("[*]", "village")\neach(values(), emit("a"))', []),
        ('group("[*]", "village")\nmap(values(), index())\neach("[*]", emit("a"))', []),
        ('as_("villages", group("[*]", "village"))\neach("[*]", emit("a"))', []),
        ('each("[*]", emit("a"))\ngroup("[*]", "village")', []),
    ],
)
def test_members_of_a_group_are_reported(calls, lines):
    code = f"from adaptors.common import *\n{calls}".replace(
        "*\n", "as_, combine, each, emit, group, index, log, map, merge, values\n", 1
    )
    found = list(members_of_groups(code.encode()))
    assert [line for line, _ in found] == lines
    assert all("values()" in message for _, message in found)
