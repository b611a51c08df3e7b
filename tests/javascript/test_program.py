"""A JavaScript job: promises, timers, errors with lines, and what hostile code cannot do."""

from __future__ import annotations

import gc
import json
import time
import weakref

import pytest

from adaptors._runtime.dry_run import dry_run
from javascript.compiler import compile_job
from javascript.dialects import Dialect
from javascript.errors import OutOfTime, ScriptError
from javascript.program import Limits, Program


def create(source, seconds=5.0, megabytes=60):
    """Return a job whose time begins now."""
    end = time.monotonic() + seconds
    limits = Limits(lambda: end - time.monotonic(), megabytes)
    return Program(compile_job(source), Dialect(), limits)


def run(source, state=None, **limits):
    """Apply all operations; return the final state."""
    program = create(source, **limits)
    program.begin(state or {"data": {}})
    for number in range(len(program.operations)):
        program.apply(number)
    return json.loads(program.to_json())


def error_of(source, **limits):
    """Return the error of a job."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the caller looks at its class
        run(source, **limits)
    return raised.value


def test_job_that_openfn_has_compiled_exports_its_operations():
    job = """import { fn } from "@openfn/language-common";
    export const n = 1;
    export default [fn(s => ({ ...s, n })), fn(s => ({ ...s, m: s.n + 1 }))];"""
    assert run(job) == {"data": {}, "n": 1, "m": 2}


def test_engine_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        program = create("fn(s => s);")
        program.begin({"data": {}})
        program.apply(0)
        freed = weakref.ref(program)
        del program
        assert freed() is None
    finally:
        gc.enable()


def test_error_names_the_line_of_the_authors_file():
    error = error_of(
        "fn(s => s);\n\nfn(s => {\n  const x = 1;\n  return helper(x);\n});\n"
        "function helper(x) {\n  return x.a.b;\n}"
    )
    assert (type(error).__name__, error.job_line) == ("TypeError", 8)


def test_error_of_the_library_names_the_line_that_called_it():
    error = error_of("fn(s => s);\nfn(s =>\n  each(undefined, fn(s))(s));")
    assert (type(error).__name__, error.job_line) == ("TypeError", 3)


@pytest.mark.parametrize(
    ("thrown", "name", "message"),
    [
        ("7", "Error", "The job threw 7."),
        ("undefined", "Error", "The job threw undefined."),
        ("{ a: 1 }", "Error", 'The job threw {\n  "a": 1\n}.'),
        ("{ message: 'no' }", "Error", "no"),
        ("Object.assign(new Error('no'), { name: 'Own' })", "Own", "no"),
        ("Object.assign(new Error('no'), { name: 'not a name' })", "Error", "no"),
        (
            "new Proxy({}, { get() { throw 1; } })",
            "Error",
            "The job threw a value that has no text.",
        ),
    ],
)
def test_whatever_a_job_throws_is_described(thrown, name, message):
    error = error_of(f"fn(() => {{ throw {thrown}; }});")
    assert (type(error).__name__, str(error)) == (name, message)


def test_promise_that_nobody_awaits_fails_the_operation():
    for job in (
        "fn(s => { save(s); return s; }); async function save() { throw new RangeError('no'); }",
        "fn(s => { Promise.reject(new RangeError('no')); return s; });",
        "fn(s => { [1].forEach(async () => { throw new RangeError('no'); }); return s; });",
    ):
        assert type(error_of(job)).__name__ == "RangeError"


def test_promise_that_is_rejected_and_caught_is_no_error():
    assert run("fn(s => Promise.reject(1).catch(() => s));") == {"data": {}}


def test_promise_that_nothing_settles_is_an_error():
    error = error_of("fn(s => new Promise(() => {}));")
    assert isinstance(error, ScriptError)
    assert "awaits a promise that nothing resolves" in str(error)


@pytest.mark.parametrize("loop", ["while (true) {}", "await (async () => { for (;;) {} })()"])
def test_endless_loop_ends_with_the_time(loop, capsys):
    error = error_of(f"fn(async s => {{ console.log('begun'); {loop} }});", seconds=0.3)
    assert isinstance(error, OutOfTime)
    assert capsys.readouterr().out == "begun\n"


def test_endless_chain_of_promises_and_timers_ends_with_the_time():
    for job in (
        "fn(() => { (function next() { Promise.resolve().then(next); })(); return new Promise(() => 0); });",
        "fn(s => new Promise(() => { setInterval(() => {}, 1); }));",
    ):
        assert isinstance(error_of(job, seconds=0.3), OutOfTime)


@pytest.mark.parametrize(
    "code",
    [
        "Array(1e9).fill(0)",
        "'x'.repeat(1e9)",
        "const a = []; for (;;) a.push({})",
    ],
)
def test_memory_ends_at_the_limit(code):
    assert isinstance(error_of(f"fn(s => {{ {code}; return s; }});"), MemoryError)


def test_endless_recursion_is_an_error_of_the_job():
    assert type(error_of("fn(function f(s) { return f(s); });")).__name__ == "RangeError"


def test_array_of_a_billion_holes_is_no_problem():
    assert run("fn(s => ({ ...s, n: Array(1e9).length }));")["n"] == 10**9


@pytest.mark.parametrize(
    "code",
    [
        "Object.prototype.toJSON = () => 7",
        "JSON.stringify = JSON.parse = () => 'no'",
        "Array.prototype.map = Array.prototype.splice = null",
        "Promise = null; eval = null; Date = null",
        "s.__proto__ = { get data() { throw 1; } }",
        "Object.defineProperty(s, 'x', { enumerable: true, get() { throw new Error('no'); } })",
        "String.prototype.matchAll = null; nope()",
    ],
)
def test_tricks_with_prototypes_end_in_a_state_or_an_error_of_the_job(code):
    try:
        assert isinstance(run(f"fn(s => {{ {code}; return s; }}); fn(s => s);"), dict)
    except ScriptError as error:
        assert str(error)  # noqa: PT017 - either is right
    assert run("fn(s => ({ ...s, clean: JSON.stringify([1].map(n => n)) }));")["clean"] == "[1]"


def test_state_of_10_megabytes_passes():
    data = [{"n": n, "text": "x" * 100} for n in range(80_000)]
    final = run("fn(s => ({ ...s, count: s.data.length }));", {"data": data}, megabytes=382)
    assert (final["count"], len(final["data"])) == (80_000, 80_000)


def test_timers_run_in_order_and_a_dry_run_does_not_wait_for_them():
    job = """
        const wait = (ms, value) => new Promise(resolve => setTimeout(resolve, ms, value));
        fn(async s => {
          const seen = [];
          const ignored = setTimeout(() => seen.push("never"), 5);
          clearTimeout(ignored);
          await Promise.all([wait(90_000).then(() => seen.push(2)), wait(10).then(() => seen.push(1))]);
          return { ...s, seen };
        });
    """
    with dry_run():
        assert run(job)["seen"] == [1, 2]


def test_console_prints_into_the_log(capsys):
    run("""fn(s => {
      console.log("a", 1, { b: [2] }, undefined, null, x => x, new Error("no"));
      console.error("e"); console.group("g"); console.groupEnd(); const o = {}; o.o = o; console.log(o);
      return s;
    });""")
    assert capsys.readouterr().out == (
        'a 1 {\n  "b": [\n    2\n  ]\n} undefined null [Function: anonymous] Error: no\n'
        "e\ng\n[object Object]\n"
    )


def test_operation_without_a_state_is_a_warning_and_another_value_an_error(capsys):
    assert run("fn(s => {}); fn(s => ({ ...s, n: 1 }));") == {"n": 1}
    assert "did not return the state" in capsys.readouterr().out
    assert "returned x, not the state" in str(error_of("fn(s => 'x');"))


def test_what_is_no_operation_changes_nothing_as_in_openfn(capsys):
    assert run("f(); function f() { return 7; }\nfn(s => ({ ...s, n: 1 }));") == {
        "data": {},
        "n": 1,
    }
    assert "call 1 at the top level returned no operation" in capsys.readouterr().out


def test_final_state_is_written_whatever_it_contains():
    final = run("""fn(s => ({
      ...s, date: new Date(0), big: 2n ** 70n, none: undefined, nan: NaN, f: x => x, map: new Map([[1, 2]]),
      self: (() => { const o = {}; o.o = o; return o; })(), configuration: { password: "x" },
    }));""")
    assert final == {
        "data": {},
        "date": "1970-01-01T00:00:00.000Z",
        "big": str(2**70),
        "nan": None,
        "map": {},
        "self": "this cannot be written as JSON: TypeError",
    }


@pytest.mark.parametrize(
    ("value", "is_exact"),
    [
        ("{ a: [1, 'x', null, true, { b: undefined }] }", True),
        ("new Date(0)", False),
        ("NaN", False),
        ("[undefined]", False),
        ("[1, , 2]", False),
        ("() => 1", False),
        ("1n", False),
        ("-0", False),
        ("new Map()", False),
        ("(() => { const o = {}; o.o = o; return o; })()", False),
        ("{ toJSON() { return 1; } }", False),
        ("new (class { x = 1; })()", False),
    ],
)
def test_retry_resumes_only_with_a_state_that_json_represents_exactly(value, is_exact):
    program = create(f"fn(s => ({{ ...s, x: {value} }}));")
    program.begin({"data": {}, "configuration": {"password": "secret"}})
    program.apply(0)
    text = program.to_exact_json()
    assert (text is not None) is is_exact
    assert "secret" not in (text or "")


def test_retry_of_a_job_that_reads_the_state_at_load_reads_the_first_one():
    source = (
        "const n = state.data.n;\nfn(s => ({ ...s, data: { n: 9 } }));\nfn(s => ({ ...s, n }));"
    )
    first = create(source)
    first.begin({"data": {"n": 1}})
    first.apply(0)
    again = create(source)
    again.begin(json.loads(first.to_exact_json()))
    again.apply(1)
    assert json.loads(again.to_json()) == {"data": {"n": 9}, "n": 1}
