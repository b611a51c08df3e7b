"""The compiler: operations with name and line, lazy state, promises, modules, and problems."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from javascript.compiler import compile_job
from javascript.errors import CompileError

LAYER = Path(__file__).parents[2] / "layers/javascript/javascript"
COMPILED = {
    'post("x", $.data.a);': '__operation(0, () => (post("x", (state) => (state.data.a))));',
    "each($.list, get(`x/${$.id}`));": (
        "__operation(0, () => (each((state) => (state.list), get((state) => (`x/${state.id}`)))));"
    ),
    "create({ a: $.a, b: [$.b?.c, 1] });": (
        "__operation(0, () => (create((state) => ({ a: state.a, b: [state.b?.c, 1] }))));"
    ),
    "each($.list.map(f), g());": "__operation(0, () => (each((state) => (state.list.map(f)), g())));",
    "fn(state => $.a);": "__operation(0, () => (fn(state => state.a)));",
    "fn($ => $.a);": "__operation(0, () => (fn($ => $.a)));",
    "const x = { a: $.b }; fn(f);": "const x = { a: $.b }; __operation(0, () => (fn(f)));",
    'get("x").then(f).catch(g);': (
        '__operation(0, () => (__defer(get("x"), undefined, (p) => p.then(f).catch(g))));'
    ),
    'get("x").catch(g).then(f);': '__operation(0, () => (__defer(get("x"), g, (p) => p.then(f))));',
    'get("x").catch(g);': '__operation(0, () => (__defer(get("x"), g)));',
    'each("a", get("x").then(f));': (
        '__operation(0, () => (each("a", __defer(get("x"), undefined, (p) => p.then(f)))));'
    ),
    "fn(s => p.then(f));": "__operation(0, () => (fn(s => p.then(f))));",
    "post(await x());": "__operation(0, async () => (post(await x())));",
    "function f(s) { save(s); }; fn(f);": (
        "function f(s) { __watch(save(s)); }; __operation(0, () => (fn(f)));"
    ),
    "fn(s => { l.forEach(async x => x); });": (
        "__operation(0, () => (fn(s => { __watch(l.forEach(__watched(async x => x))); })));"
    ),
    'import {\n fn as f } from "@openfn/language-http";\nf(a);': (
        'const { "fn": f } = __import("@openfn/language-http");\n\n__operation(0, () => (f(a)));'
    ),
    'import * as c from "@openfn/language-common@1.2"; c.fn(a);': (
        'const { ...c } = __import("@openfn/language-common@1.2"); __operation(0, () => (c.fn(a)));'
    ),
    "export default [fn(a)];": "__operations([fn(a)]);",
    "export const a = 1; fn(a);": "const a = 1; __operation(0, () => (fn(a)));",
}
PROBLEMS = {
    "export default fn(a);": (1, "The default export is not a list of operations."),
    "fn(state => {\n  const x = ;\n});": (2, "This is not valid JavaScript: Unexpected token."),
    "fn(f);\nconst x = $.data;": (2, "`$` has no state here. Use it in an argument"),
    "fn(f);\nfn(x => $.data);": (2, "`$` is inside a function whose parameter is not called"),
    'import fs from "fs"; fn(f);': (1, "The library fs is not available to jobs"),
    "\n" * 70_000 + "fn(f)": (1, "The file has too many lines. Split the job."),
}


@pytest.mark.parametrize(("source", "code"), COMPILED.items(), ids=range(len(COMPILED)))
def test_job_is_compiled_as_by_openfn_without_moving_a_line(source, code):
    assert compile_job(source).code == code


@pytest.mark.parametrize(("source", "problem"), PROBLEMS.items(), ids=range(len(PROBLEMS)))
def test_problem_has_its_line_and_a_fix(source, problem):
    with pytest.raises(CompileError) as raised:
        compile_job(source)
    line, message = problem
    assert raised.value.line == line
    assert str(raised.value).startswith(message)


def test_operations_have_the_name_and_line_of_their_calls():
    source = "fn(a);\n\nhttp.get('x')\n  .then(f);\n(1, 2); x = 1;\neach(\n  y)(z);"
    assert compile_job(source).operations == (("fn", 1), ("http.get", 3), ("each", 6))


def test_names_that_the_job_does_not_define_are_listed():
    source = """
        import { get } from "@openfn/language-http";
        const [a, { b: c }] = [1, 2]; let d; var e; class F {} for (const g of []) {}
        counter = 1; // sloppy, as on OpenFn's first platform
        label: for (h in {}) { try {} catch (error) { error; } }
        fn(function named(state, { x } = {}, ...rest) {
          arguments; named; x; rest; state.unknown; typeof absent; counter += 1;
          return { key: state, [computed]: a, c, d, e, F, get };
        });
    """
    assert [name for name, _ in compile_job(source).names] == ["fn", "computed"]


def test_state_that_is_read_while_the_file_is_loaded_is_noticed():
    reads = {
        "post('x', { a: state.data.a });": True,
        "fn(state => state.data); fn(function (s) { return state; });": False,
        "const state = {}; fn(state.x);": False,
        "const x = state.data; fn(x);": True,
    }
    assert {source: compile_job(source).reads_state for source in reads} == reads


def test_scripts_of_the_first_platform_are_sloppy():
    assert compile_job("var x = 010; with (x) {} fn(x);").operations == (("fn", 1),)


def test_vendored_files_are_those_of_their_releases():
    vendored = json.loads((LAYER / "vendor/vendor.json").read_text("utf-8"))
    files = {f"{name}.js" for name in vendored} | {f"{name}.LICENSE" for name in vendored}
    assert {path.name for path in (LAYER / "vendor").iterdir()} == files | {"vendor.json"}
    for name, package in vendored.items():
        content = (LAYER / f"vendor/{name}.js").read_bytes()
        assert hashlib.sha256(content).hexdigest() == package["sha256"], name
