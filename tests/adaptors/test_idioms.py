"""The idioms that OpenFn's jobs use most, in JavaScript and in Python; every job runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

import pytest

from adaptors._runtime import emit
from adaptors._runtime.run_context import run_context
from openfn.jobs.expression import execute, load
from workbench.project.job_lint import operations_not_run


@dataclass(frozen=True, slots=True)
class Idiom:
    """A job in both languages, its initial state, and what it does."""

    name: str
    javascript: str
    python: str
    state: dict[str, Any]
    after: dict[str, Any] = field(default_factory=dict)
    posted: tuple[Any, ...] = ()
    emitted: tuple[Any, ...] = ()


KOBO = {"group1/name": "amina_ouedraogo", "group1/age": "7", "diseases": "malaria cough"}
PEOPLE = [{"case": {"@case_id": "a"}, "age": "3"}, {"case": {"@case_id": "b"}, "age": "40"}]
RECORDS = [{"_id": 1, "end": "2026-03-01"}, {"_id": 2, "end": "2026-03-08"}]

IDIOMS = [
    Idiom(
        "map fields to a record",
        """
        create('Child__c', fields(
          field('Source__c', 1),
          field('Name', state => humanProper(dataValue('group1/name')(state))),
          field('Age__c', dataValue('group1/age')),
          field('Diseases__c', state =>
            arrayToString(dataValue('diseases')(state).split(' '), ';'))
        ));
        """,
        """
        from adaptors.common import array_to_string, data_value, field, fields, human_proper
        from adaptors.http import post

        post(
            "children",
            fields(
                field("source", 1),
                field("name", human_proper(data_value("group1/name"))),
                field("age", data_value("group1/age")),
                field("diseases", array_to_string(lambda s: s["data"]["diseases"].split(), ";")),
            ),
        )
        """,
        {"data": KOBO},
        posted=({"source": 1, "name": "Amina Ouedraogo", "age": "7", "diseases": "malaria;cough"},),
    ),
    Idiom(
        "change the data before it is sent",
        """
        alterState(state => {
          const age = dataValue('group1/age')(state);
          const adult = age !== undefined && parseInt(age) >= 18;
          return { ...state, data: { ...state.data, adult } };
        });
        """,
        """
        from adaptors.common import data_value, fn


        def with_adult(state):
            age = data_value("group1/age")(state)
            adult = age is not None and int(age) >= 18
            return {**state, "data": {**state["data"], "adult": adult}}


        fn(with_adult)
        """,
        {"data": KOBO},
        {"data": {**KOBO, "adult": False}},
    ),
    Idiom(
        "a record for each member of a repeat, be it one or many",
        """
        fn(state => {
          state.data.form.Person = toArray(state.data.form.Person);
          return state;
        });
        each(dataPath('form.Person[*]'),
          upsert('Person__c', 'CommCare_ID__c', fields(
            field('CommCare_ID__c', dataValue('case.@case_id')),
            field('Order__c', index())
          ))
        );
        """,
        """
        from adaptors.common import data_value, each, field, fields, index
        from adaptors.http import post

        each(
            "form.Person",
            post(
                "people",
                fields(field("commcare_id", data_value("case.@case_id")), field("order", index())),
            ),
        )
        """,
        {"data": {"form": {"Person": PEOPLE[0]}}},
        {"data": {"form": {"Person": PEOPLE[0]}}},
        posted=({"commcare_id": "a", "order": 0},),
    ),
    Idiom(
        "members of a repeat that know of their form",
        """
        each(
          merge(dataPath('form.Person[*]'), fields(
            field('household', dataValue('form.case.@case_id')),
            field('visit', dataValue('form.visit'))
          )),
          create('Person__c', { Household__c: dataValue('household') })
        );
        """,
        """
        from adaptors.common import data_value, each, merge
        from adaptors.http import post

        form = {"household": data_value("form.case.@case_id"), "visit": data_value("form.visit")}

        each(
            merge("form.Person[*]", form),
            post("people", {"id": data_value("case.@case_id"), "of": data_value("household")}),
        )
        """,
        {"data": {"form": {"case": {"@case_id": "h"}, "visit": 3, "Person": PEOPLE}}},
        posted=({"id": "a", "of": "h"}, {"id": "b", "of": "h"}),
    ),
    Idiom(
        "continue with the response of the destination",
        """
        create('Household__c', fields(field('Name', dataValue('name'))));
        create('Visit__c', fields(
          field('Household__c', lastReferenceValue('id')),
          field('Date__c', state => state.references[1].date)
        ));
        """,
        """
        from adaptors.common import data_value, last_reference_value
        from adaptors.http import post

        post("households", {"name": data_value("name")})
        post("visits", {"household": data_value("id"), "date": last_reference_value("date")})
        """,
        {"data": {"name": "Kolo", "date": "2026-03-09"}},
        posted=({"name": "Kolo"}, {"household": 7, "date": "2026-03-09"}),
    ),
    Idiom(
        "only under a condition",
        """
        fnIf(
          state => dataValue('form.referred')(state) === 'yes',
          create('Referral__c', { Patient__c: dataValue('form.case.@case_id') })
        );
        """,
        """
        from adaptors.common import data_value, fn_if
        from adaptors.http import post

        fn_if(
            lambda state: data_value("form.referred")(state) == "yes",
            post("referrals", {"patient": data_value("form.case.@case_id")}),
        )
        """,
        {"data": {"form": {"referred": "yes", "case": {"@case_id": "a"}}}},
        posted=({"patient": "a"},),
    ),
    Idiom(
        "operations inside of a function",
        """
        fn(async state => {
          const under5 = state.data.form.Person.filter(p => p.age < 5);
          for (const child of under5) {
            await create('Child__c', { Id__c: child.case['@case_id'] })(state);
          }
          return state;
        });
        """,
        """
        from adaptors.common import fn
        from adaptors.http import post


        def children(state):
            for person in state["data"]["form"]["Person"]:
                if int(person["age"]) < 5:
                    post("children", {"id": person["case"]["@case_id"]})(state)
            return state


        fn(children)
        """,
        {"data": {"form": {"Person": PEOPLE}}},
        posted=({"id": "a"},),
    ),
    Idiom(
        "many records in one request",
        """
        fn(state => {
          state.batches = chunk(state.data.form.Person.map(p => ({ age: p.age })), 200);
          return state;
        });
        each('$.batches[*]', bulk('Person__c', 'insert', {}, state => state.data));
        """,
        """
        from adaptors.common import chunk, data_value, each, map
        from adaptors.http import post

        map("form.Person[*]", {"age": data_value("age")})
        each(chunk(data_value("$"), 200), post("people/bulk", data_value("$")))
        """,
        {"data": {"form": {"Person": PEOPLE}}},
        {"data": [{"age": "3"}, {"age": "40"}]},
        posted=([{"age": "3"}, {"age": "40"}],),
    ),
    Idiom(
        "fetch what is new, and a message for each record",
        """
        fn(state => ({ ...state, lastEnd: state.lastEnd || '2026-02-01' }));
        get('data', { query: { query: state => `{"end":{"$gte":"${state.lastEnd}"}}` } });
        each(dataPath('results[*]'),
          post(inbox, { body: { body: dataValue('$'), formType: 'Urban' } })
        );
        fn(state => {
          const ends = state.references[0].results.map(r => r.end).sort();
          return { lastEnd: ends.pop() || state.lastEnd, data: {}, references: [] };
        });
        """,
        """
        from adaptors.common import cursor, data_value, each, emit, fn, source_value
        from adaptors.http import get


        def newest(state):
            ends = [record["end"] for record in state["data"]["results"]]
            return {"last_end": max([state["last_end"], *ends])}


        cursor(source_value("last_end"), key="last_end", default="2026-02-01")
        get("data", query={"after": source_value("last_end")})
        each("results[*]", emit("kobo-records", {"body": data_value("$"), "formType": "Urban"}))
        fn(newest)
        """,
        {"last_end": "2026-02-20"},
        {"last_end": "2026-03-08"},
        emitted=tuple({"body": record, "formType": "Urban"} for record in RECORDS),
    ),
    Idiom(
        "a cursor of time",
        """
        cursor($.cursor, { defaultValue: 'yesterday' });
        get('data', { query: { since: $.cursor } });
        assert($.data.results, 'no results');
        log('records:', $.data.results.length);
        cursor('now');
        """,
        """
        from adaptors.common import assert_, cursor, log, source_value
        from adaptors.http import get

        cursor(source_value("cursor"), default="yesterday")
        get("data", query={"since": source_value("cursor")})
        assert_(lambda state: state["data"]["results"], "no results")
        log("records:", lambda state: len(state["data"]["results"]))
        cursor("now")
        """,
        {},
        {"cursor": "2026-03-09T14:30:00.000Z"},
    ),
]


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_job_does_the_same_in_python_as_in_javascript(idiom, destination, tmp_path):
    destination.respond("/households", 201, {"id": 7})
    destination.respond("/data", 200, {"results": RECORDS})
    path = tmp_path / "job.py"
    path.write_text(dedent(idiom.python), "utf-8")
    began, emitted = datetime(2026, 3, 9, 14, 30, tzinfo=UTC), []
    state = {"configuration": {"baseUrl": destination.url}, "references": [], **idiom.state}
    take = emit.emit_to(lambda _inbox, body: emitted.append(json.loads(body)))
    with run_context("run", began), take:
        after = execute(load(path), state, path)
    posted = [
        json.loads(received.body) for received in destination.received if received.method == "POST"
    ]
    assert posted == list(idiom.posted)
    assert emitted == list(idiom.emitted)
    assert {key: after[key] for key in idiom.after} == idiom.after


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_compatible_idiom_has_no_warning(idiom):
    assert list(operations_not_run(dedent(idiom.python).encode())) == []


def test_time_cursor_fetches_newer_records(destination, tmp_path):
    (idiom,) = [idiom for idiom in IDIOMS if idiom.name == "a cursor of time"]
    destination.respond("/data", 200, {"results": RECORDS})
    path = tmp_path / "job.py"
    path.write_text(dedent(idiom.python), "utf-8")
    state = {"configuration": {"baseUrl": destination.url}}
    for day in (9, 10):
        with run_context(f"run {day}", datetime(2026, 3, day, 14, 30, tzinfo=UTC)):
            after = execute(load(path), state, path)
        state = {**state, "cursor": after["cursor"]}
    assert [dict(received.pairs)["since"] for received in destination.received] == [
        "2026-03-08T00:00:00.000Z",
        "2026-03-09T14:30:00.000Z",
    ]
