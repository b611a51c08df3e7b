"""Operations that a job makes inside a function and never runs."""

from __future__ import annotations

from textwrap import dedent

import pytest

from workbench.unrun import unrun


def _found(code):
    return list(unrun(dedent(code).encode()))


@pytest.mark.parametrize(
    ("imported", "call", "name"),
    [
        ("from adaptors.http import post", "post('x', {})", "post"),
        ("from adaptors.http import post as send", "send('x', {})", "send"),
        ("from adaptors import http", "http.post('x', {})", "http.post"),
        ("import adaptors.http", "adaptors.http.post('x', {})", "adaptors.http.post"),
    ],
)
def test_a_call_in_a_function_whose_operation_is_dropped_is_found(imported, call, name):
    code = f"{imported}\ndef send(state):\n    {call}\n    return state\n"
    assert _found(code) == [(3, name)]


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
