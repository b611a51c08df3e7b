"""What is wrong with a job's code that loading it does not show."""

from __future__ import annotations

from textwrap import dedent

import pytest

from workbench.project.job_lint import emitted_nowhere, unrun


def _found(code):
    return list(unrun(dedent(code).encode()))


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
def test_a_call_in_a_function_whose_operation_is_dropped_is_found(imported, call, name):
    code = f"{imported}\ndef send(state):\n    {call}\n    return state\n"
    ((line, words),) = _found(code)
    assert line == 3
    assert words.startswith(f"{name}(…) in a function is made and never run")


def test_a_variable_that_has_the_name_of_something_imported_is_no_mistake():
    assert not _found("""
        from adaptors.common import chunk, fields, index

        def send(state):
            index = []
            index.append(1)
            fields = {}
            fields.update(chunk(index, 2))
            return state
    """)


def test_operations_that_are_run_and_other_calls_are_not_mistakes():
    assert not _found("""
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
    ("call", "found"),
    [
        ('emit("feild")', ["there is no inbox `feild`; there is field, other"]),
        ('each("a[*]", emit(inbox="feild"))', ["there is no inbox `feild`; there is field, other"]),
        ('emit("field", {"a": 1})', []),
        ('emit(data_value("inbox"))', []),
        ("emit(NAME)", []),
    ],
)
def test_an_inbox_there_is_not_cannot_be_emitted_to(call, found):
    code = f"from adaptors.common import each, emit\n{call}\n".encode()
    assert [words for _, words in emitted_nowhere(code, ["field", "other"])] == found


def test_an_emit_by_another_name_is_found():
    code = b'from adaptors.common import emit as send\nsend("feild")\n'
    assert [line for line, _ in emitted_nowhere(code, ["field"])] == [2]


def test_an_emit_of_the_job_s_own_is_its_own():
    code = b"def emit(where):\n    return None\n\n\nemit('feild')\n"
    assert list(emitted_nowhere(code, ["field"])) == []
