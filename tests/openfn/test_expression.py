"""A job's expression: a Python file whose top-level calls are operations."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest

from openfn.errors import JobError, ProjectError
from openfn.jobs.expression import Operation, Progress, execute, load


@pytest.fixture(autouse=True)
def _search_path():
    """Remove the folders and modules that loading a job adds to the import path."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def job(tmp_path):
    def write(code, name="job.py"):
        path = tmp_path / name
        path.write_text(dedent(code), "utf-8")
        return path

    return write


def run(path, state=None):
    return execute(load(path), {"data": None} if state is None else state, path)


def job_error(path, state=None):
    with pytest.raises(JobError) as caught:
        run(path, state)
    return caught.value


def project_error(path):
    with pytest.raises(ProjectError) as caught:
        load(path)
    return str(caught.value)


def names_and_lines(path):
    return [(operation.name, operation.line) for operation in load(path)]


def test_top_level_calls_are_operations_in_order(job):
    path = job('''
        """A job."""
        from adaptors.common import fn
        STEP = 2

        def add(number):
            return lambda state: {**state, "data": state["data"] + number}

        add(STEP)
        fn(lambda state: {**state, "data": state["data"] * 10})
    ''')
    assert run(path, {"data": 1})["data"] == 30


def test_operations_have_a_name_and_a_line(job):
    path = job("""
        from adaptors import common
        from adaptors.common import fn

        fn(
            lambda state: state
        )
        common.each("[*]", fn(lambda state: state))
    """)
    assert names_and_lines(path) == [
        ("fn", 5),
        ("common.each", 8),
    ]


def test_calls_inside_top_level_blocks_are_operations_if_they_return_one(job):
    path = job("""
        from adaptors.common import fn
        TABLE = {}
        for name in ("a", "b"):
            TABLE.update({name: 1})
            if name in TABLE:
                fn(lambda state, name=name: {**state, "seen": [*state.get("seen", []), name]})
        try:
            TABLE["c"]
        except KeyError:
            with open(__file__) as file:
                file.read()
                fn(lambda state: {**state, "data": "c"})

        class Register:
            dict(a=1)

        def never_called():
            fn(lambda state: 1 / 0)
    """)
    assert names_and_lines(path) == [
        ("fn", 7),
        ("fn", 7),
        ("fn", 13),
    ]
    assert run(path) == {"data": "c", "seen": ["a", "b"]}


def test_dataclasses_may_use_future_annotations(job):
    path = job("""
        from __future__ import annotations
        from dataclasses import dataclass
        from adaptors.common import fn

        @dataclass
        class Visit:
            name: str

        fn(lambda state: {**state, "data": Visit("Amina").name})
    """)
    assert run(path)["data"] == "Amina"


def test_assigned_calls_are_ordinary_python(job):
    path = job("""
        from adaptors.common import data_value, fn
        name = data_value("name")
        TABLE = dict(a=1)
        assert len(TABLE) == 1
        fn(lambda state: {**state, "data": name(state)})
    """)
    assert len(load(path)) == 1
    assert run(path, {"data": {"name": "Amina"}})["data"] == "Amina"


def test_loading_a_job_applies_no_operation(job):
    path = job("""
        def fail(state):
            raise KeyError("village")
        (lambda function: function)(fail)
    """)
    operations = load(path)
    with pytest.raises(JobError):
        execute(operations, {}, path)


def test_operations_after_a_failure_are_not_applied(job):
    seen = []
    path = job("""
        from adaptors.common import fn
        fn(lambda state: state["data"]["seen"].append("first") or state)
        fn(lambda state: state["missing"])
        fn(lambda state: state["data"]["seen"].append("third") or state)
    """)
    job_error(path, {"data": {"seen": seen}})
    assert seen == ["first"]


def test_runs_share_no_module_state(job):
    path = job("""
        from adaptors.common import fn
        seen = []
        fn(lambda state: {**state, "data": seen.append(1) or len(seen)})
    """)
    assert [run(path)["data"], run(path)["data"]] == [1, 1]


def test_changed_job_file_is_loaded_again(job):
    path = job("(lambda f: f)(lambda state: {'data': 'old'})")
    before = path.stat().st_mtime_ns
    assert run(path) == {"data": "old"}
    job("(lambda f: f)(lambda state: {'data': 'new'})")
    os.utime(path, ns=(before + 1, before + 1))
    assert run(path) == {"data": "new"}


def test_jobs_may_import_modules_of_their_folder(job):
    job("VILLAGE = 'Kisumu'\n", "villages_of_this_test.py")
    path = job("""
        from adaptors.common import fn
        from villages_of_this_test import VILLAGE
        fn(lambda state: {**state, "data": VILLAGE})
    """)
    assert run(path)["data"] == "Kisumu"


def test_modules_beside_a_job_do_not_shadow_the_standard_library(job):
    job("raise AssertionError\n", "tabnanny.py")
    path = job("""
        import tabnanny
        (lambda f: f)(lambda state: {"data": tabnanny.__name__})
    """)
    assert "tabnanny" not in sys.modules
    assert run(path) == {"data": "tabnanny"}


def test_jobs_may_define_dataclasses(job):
    path = job("""
        from dataclasses import dataclass
        from adaptors.common import fn

        @dataclass
        class Child:
            name: str

        fn(lambda state: {**state, "data": Child("Amina").name})
    """)
    assert run(path)["data"] == "Amina"


def test_annotations_in_a_job_are_evaluated(job):
    path = job("""
        from adaptors.common import fn
        def double(number: int) -> int:
            return number * 2
        fn(lambda state: {**state, "data": double.__annotations__["number"] is int})
    """)
    assert run(path)["data"] is True


def test_future_imports_of_a_job_take_effect(job):
    path = job("""
        from __future__ import annotations
        from adaptors.common import fn
        def double(number: int) -> int:
            return number * 2
        fn(lambda state: {**state, "data": double.__annotations__["number"]})
    """)
    assert run(path)["data"] == "int"


# Errors while the job is loaded


def test_missing_job_file_is_a_project_error(tmp_path):
    assert project_error(tmp_path / "absent.py") == (
        "Cannot read absent.py: No such file or directory."
    )


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\nfn(\n", 2),
        ("x = 1\ny = 2\nreturn x\n", 3),
        ("if True:\nfn()\n", 2),
        ("x = 1\nfrom __future__ import annotations\n", 2),
    ],
)
def test_syntax_errors_have_the_file_and_line(job, code, line):
    assert project_error(job(code)).startswith(f"job.py, line {line}: ")


@pytest.mark.parametrize("content", [b"x = '\xff'\n", b"x = 1\x00\n"])
def test_job_file_that_is_not_utf8_text_is_a_project_error(tmp_path, content):
    path = tmp_path / "job.py"
    path.write_bytes(content)
    assert project_error(path).startswith("job.py, line 1: ")


@pytest.mark.parametrize("code", ["", "x = 1\n", '"""Only words."""\n', "def f(state): ...\n"])
def test_job_without_operations_is_a_project_error(job, code):
    assert project_error(job(code)) == "job.py has no operation. Add a call at the top level."


@pytest.mark.parametrize(
    ("call", "name", "kind"),
    [
        ("print('hello')", "print", "NoneType"),
        ("str(7)", "str", "str"),
        ("'a'.upper()", "'a'.upper", "str"),
    ],
)
def test_top_level_call_without_an_operation_names_the_fix(job, call, name, kind):
    error = job_error(job(f"x = 1\n{call}\n"))
    assert (error.type, error.operation, error.line) == ("TypeError", "loading", 2)
    assert error.message == (
        f"{name}(…) returned {kind}, not an operation. "
        "Put the call inside a function of the state: fn(lambda state: …)."
    )


def test_wrong_arguments_fail_while_loading_with_their_line(job):
    error = job_error(
        job("""
            from adaptors.http import post

            post()
        """)
    )
    assert (error.type, error.operation, error.line) == ("TypeError", "loading", 4)
    assert "missing a required argument: 'path'" in error.message


def test_errors_while_loading_have_their_line(job):
    error = job_error(job("from adaptors.common import fn\n\nAGE = int('seven')\n"))
    assert (error.type, error.operation, error.line) == ("ValueError", "loading", 3)
    assert error.verdict == "author"


def test_missing_modules_have_the_line_of_the_import(job):
    error = job_error(job("x = 1\nimport nothing_of_that_name\n"))
    assert (error.type, error.line) == ("ModuleNotFoundError", 2)


def test_job_that_exits_while_loading_fails(job):
    error = job_error(job("import sys\nsys.exit(3)\n"))
    assert (error.type, error.line) == ("SystemExit", 2)


@pytest.mark.parametrize("code", ["print(state)\n", "fn = print\nfn(state['data'])\n"])
def test_using_state_at_the_top_level_gets_a_hint(job, code):
    message = job_error(job(code)).message
    assert message.startswith("name 'state' is not defined. ")
    assert message.endswith("The state exists only inside operations: write lambda state: …")


def test_other_undefined_names_get_no_hint(job):
    assert job_error(job("dat['x']\n")).message == "name 'dat' is not defined"


# Errors while the job is executed


def test_errors_have_the_line_that_raised_them(job):
    error = job_error(
        job("""
            from adaptors.common import fn

            def village(state):
                name = "village"
                return {**state, "data": state["data"][name]}

            fn(village)
        """),
        {"data": {}},
    )
    assert (error.type, error.operation, error.line) == ("KeyError", "fn", 6)
    assert str(error) == "line 6, fn: KeyError: 'village'"


def test_errors_in_nested_functions_have_the_inner_line(job):
    error = job_error(
        job("""
            from adaptors.common import fn

            def years(text):
                return int(text)

            fn(lambda state: {**state, "data": years("seven")})
        """)
    )
    assert (error.type, error.operation, error.line) == ("ValueError", "fn", 5)


def test_errors_inside_an_adaptor_have_the_line_of_the_operation(job):
    error = job_error(
        job("""
            from adaptors.http import get

            get("patients")
        """)
    )
    assert (error.type, error.operation, error.line) == ("ConfigurationError", "get", 4)


def test_errors_in_a_module_beside_the_job_have_the_line_of_the_job(job):
    job("\n\n\n\n\ndef fail(state):\n    raise ValueError('no')\n", "failing_of_this_test.py")
    error = job_error(
        job("""
            from adaptors.common import fn
            from failing_of_this_test import fail
            fn(fail)
        """)
    )
    assert (error.type, error.line) == ("ValueError", 4)


@pytest.mark.parametrize("value", ["None", "'text'", "[state]"])
def test_operation_that_returns_no_state_names_the_fix(job, value):
    error = job_error(
        job(f"""
            from adaptors.common import fn
            fn(lambda state: {value})
            fn(lambda state: state)
        """)
    )
    assert (error.type, error.operation, error.line) == ("TypeError", "fn", 3)
    assert error.message.endswith("not the state. End the function with `return state`.")


@pytest.mark.parametrize("call", ["sys.exit(3)", "exit(3)"])
def test_job_that_exits_fails(job, call):
    path = job(f"import sys\nfrom adaptors.common import fn\nfn(lambda state: {call})\n")
    error = job_error(path)
    assert (error.type, error.message, error.line) == ("SystemExit", "3", 3)


def test_keyboard_interrupt_is_not_a_job_error(job):
    path = job("""
        from adaptors.common import fn
        def stop(state):
            raise KeyboardInterrupt
        fn(stop)
    """)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(path)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("verdict", ["author", "remote", "remote-for-now"])
def test_job_errors_have_the_verdict_of_the_adaptors_error(job, verdict):
    error = job_error(
        job(f"""
            class Refused(Exception):
                verdict = {verdict!r}
            def refuse(state):
                raise Refused("no")
            (lambda f: f)(refuse)
        """)
    )
    assert (error.type, error.verdict) == ("Refused", verdict)


def test_errors_without_a_verdict_are_the_authors(job):
    error = job_error(job("(lambda f: f)(lambda state: 1 / 0)\n"))
    assert (error.type, error.verdict) == ("ZeroDivisionError", "author")


def test_job_errors_are_stored_as_plain_data(job):
    code = "from adaptors.common import fn\nfn(lambda state: state['x'])\n"
    error = job_error(job(code))
    assert error.as_dict() == {
        "type": "KeyError",
        "message": "'x'",
        "operation": "fn",
        "line": 2,
        "verdict": "author",
    }


def test_job_errors_have_the_raised_error_as_cause(job):
    assert isinstance(
        job_error(job("(lambda f: f)(lambda state: 1 / 0)\n")).__cause__, ArithmeticError
    )


def test_jobs_are_executed_on_the_state_passed_in():
    state = {"data": 1}
    assert execute([], state, None) is state


def progress_of(pending, *operations, state=None):
    """Execute operations and return where they resume; `pending` has a value for each of them."""
    work = iter(pending)
    now = False

    def apply(operate):
        def applied(state):
            nonlocal now
            now = next(work)
            return operate(state)

        return applied

    reported = [(0, None, 0)]

    def report(_number, resume):
        reported.extend([resume] if resume else [])

    progress = Progress(is_pending=lambda: now, report=report)
    steps = [Operation(f"step {n}", n, apply(operation)) for n, operation in enumerate(operations)]
    with suppress(JobError):
        execute(steps, state or {"n": 0}, Path("job.py"), progress)
    operation, resume_state, _ = reported[-1]
    return operation, resume_state and json.loads(resume_state)


def count(state):
    return {**state, "n": state["n"] + 1}


def fail(_state):
    raise ValueError


def test_jobs_resume_at_the_operation_that_failed():
    assert progress_of([False, False, False], count, count, fail) == (2, {"n": 2})


@pytest.mark.parametrize("last", [count, fail])
def test_jobs_with_pending_work_resume_where_it_began(last):
    assert progress_of([False, True, True, True], count, count, count, last) == (1, {"n": 1})


def test_jobs_resume_after_work_that_was_committed():
    assert progress_of([True, True, False, True], count, count, count, fail) == (3, {"n": 3})


@pytest.mark.parametrize("last", [count, fail])
def test_states_with_keys_that_are_not_strings_cannot_be_resumed(last):
    progress = progress_of([False, True], count, last, state={"n": 0, "odd": {1: 2}})
    assert progress == (1, None)


def test_error_of_an_item_names_it_and_may_be_retryable(tmp_path):
    path = tmp_path / "job.py"
    path.write_text(
        "from adaptors.common import RemoteUnavailable, each\n"
        "def fail(state):\n"
        "    raise RemoteUnavailable('The registry is being rebuilt.', retry_after=600)\n"
        "each('visits', each('children', fail))\n"
    )
    state = {"data": {"visits": [{"children": []}, {"id": "v2", "children": [{"id": 7}]}]}}
    with pytest.raises(JobError) as raised:
        execute(load(path), state, path)
    error = raised.value
    assert error.message == "In item 2 (id v2): In item 1 (id 7): The registry is being rebuilt."
    assert (error.verdict, error.retry_after, error.line) == ("remote-for-now", 600, 3)
