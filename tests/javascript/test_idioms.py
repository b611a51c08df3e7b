"""Every idiom of docs/jobs.md in both languages: both jobs send, emit and return the same."""

from __future__ import annotations

import pytest

from workbench.testing.comparison import Side, differences
from workbench.testing.responses import StubResponses

PERSONS = [
    {"case": {"@case_id": "c1"}, "age": "3"},
    {"case": {"@case_id": "c2"}, "age": "31"},
]
FORM = {"case": {"@case_id": "h1"}, "visit": "2026-03-09", "referred": "yes", "Person": PERSONS}
DATA = {"group1/name": "amina_K", "group1/age": "19", "diseases": "a b", "name": "A", "form": FORM}
RESPONSES = {
    "POST households": {"id": 7},
    "GET data*": {"results": [{"end": "2026-03-01"}, {"end": "2026-02-02"}]},
}
IMPORTS = """
from adaptors.common import *
from adaptors.http import get, post
"""
IDIOMS = {
    "map fields to a record": (
        """post("children", fields(
             field("source", 1), field("name", s => humanProper(dataValue("group1/name")(s))),
             field("age", dataValue("group1/age")), field("none", dataValue("nope")),
             field("diseases", s => arrayToString(dataValue("diseases")(s).split(" "), ";"))));""",
        """post("children", fields(
             field("source", 1), field("name", human_proper(data_value("group1/name"))),
             field("age", data_value("group1/age")), field("none", data_value("nope")),
             field("diseases", array_to_string(lambda s: s["data"]["diseases"].split(), ";"))))""",
    ),
    "change the data before you send it": (
        """alterState(s => ({ ...s, data: { adult: parseInt(dataValue("group1/age")(s)) >= 18 } }));
           post("people", $.data);""",
        """fn(lambda s: {**s, "data": {"adult": int(data_value("group1/age")(s)) >= 18}})
post("people", data_value("$"))""",
    ),
    "one record for each entry of a repeat": (
        """beta.each(dataPath("form.Person[*]"), post("people", fields(
             field("id", s => s.data.case["@case_id"]), field("order", index()))));""",
        """each("form.Person", post("people", fields(
    field("id", data_value("case.@case_id")), field("order", index()))))""",
    ),
    "entries of a repeat, with values of the form around them": (
        """beta.each(merge(dataPath("form.Person[*]"), fields(
             field("of", dataValue("form.case.@case_id")), field("visit", dataValue("form.visit")))),
             post("people", { of: dataValue("of"), visit: dataValue("visit"), age: dataValue("age") }));""",
        """form = {"of": data_value("form.case.@case_id"), "visit": data_value("form.visit")}
each(merge("form.Person[*]", form), post("people", {
    "of": data_value("of"), "visit": data_value("visit"), "age": data_value("age")}))""",
    ),
    "use the response of the destination": (
        """post("households", { name: $.data.name });
           post("visits", { household: $.data.id, name: s => s.references.at(-1).name });""",
        """post("households", {"name": data_value("name")})
post("visits", {"household": data_value("id"), "name": last_reference_value("name")})""",
    ),
    "only if a condition is true": (
        """fnIf(s => dataValue("form.referred")(s) === "yes", post("a", { id: $.data.form.case["@case_id"] }));
           fnIf(s => dataValue("form.referred")(s) === "no", post("b", {}));""",
        """fn_if(lambda s: data_value("form.referred")(s) == "yes",
      post("a", {"id": data_value("form.case.@case_id")}))
fn_if(lambda s: data_value("form.referred")(s) == "no", post("b", {}))""",
    ),
    "operations inside a function": (
        """fn(async s => {
             for (const p of s.data.form.Person.filter(p => p.age < 5)) {
               await post("children", { id: p.case["@case_id"] })(s);
             }
             return s;
           });""",
        """def children(s):
    for p in s["data"]["form"]["Person"]:
        if int(p["age"]) < 5:
            post("children", {"id": p["case"]["@case_id"]})(s)
    return s

fn(children)""",
    ),
    "many records in one request": (
        """fn(s => ({ ...s, data: s.data.form.Person.map(p => ({ age: p.age })) }));
           beta.each(s => chunk(s.data, 1), post("bulk", $.data));""",
        """fn(lambda s: {**s, "data": [{"age": p["age"]} for p in s["data"]["form"]["Person"]]})
each(chunk(data_value("$"), 1), post("bulk", data_value("$")))""",
    ),
    "fetch what is new, and emit one message for each record": (
        """fn(s => ({ ...s, lastEnd: s.lastEnd || "2026-02-01" }));
           get("data", { query: { after: $.lastEnd } });
           beta.each(dataPath("results[*]"), emit("field-data", { body: dataValue("end"), formType: "Urban" }));
           fn(s => ({ lastEnd: s.data.results.map(r => r.end).sort().pop() || s.lastEnd }));""",
        """cursor(source_value("lastEnd"), key="lastEnd", default="2026-02-01")
get("data", query={"after": source_value("lastEnd")})
each("results[*]", emit("field-data", {"body": data_value("end"), "formType": "Urban"}))
fn(lambda s: {"lastEnd": max(r["end"] for r in s["data"]["results"])})""",
    ),
    "a time as the cursor": (
        """cursor($.since, { key: "since", defaultValue: "2026-01-01" });
           get("data", { query: { since: $.since } });
           assert($.data.results, "no results"); log("records:", $.data.results.length);""",
        """cursor(source_value("since"), key="since", default="2026-01-01")
get("data", query={"since": source_value("since")})
assert_(lambda s: s["data"]["results"], "no results")
log("records:", lambda s: len(s["data"]["results"]))""",
    ),
}


@pytest.mark.parametrize(("script", "python"), IDIOMS.values(), ids=list(IDIOMS))
def test_both_languages_do_the_same(tmp_path, script, python):
    (tmp_path / "a.js").write_text(script, "utf-8")
    (tmp_path / "a.py").write_text(IMPORTS + python, "utf-8")
    sides = [Side(tmp_path / name, "http", ("field-data",)) for name in ("a.js", "a.py")]
    runs = [side.run({"data": DATA}, StubResponses(RESPONSES)) for side in sides]
    assert [run.error for run in runs] == [None, None]
    assert runs[0].requests or runs[0].emitted
    assert differences(*runs, same_language=False) == []
