"""The other adaptors of JavaScript jobs: each sends what our own adaptor sends, in each dialect."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from adaptors._runtime.dry_run import DryStatement, Reply, dry_run
from javascript.compiler import compile_job
from javascript.dialects import parse
from javascript.program import Limits, Program

CREDENTIALS = {
    "salesforce": {"access_token": "t", "instance_url": "https://sf.org"},
    "dhis2": {"hostUrl": "https://dhis2.org", "username": "amina", "password": "secret"},
    "commcare": {
        "hostUrl": "https://cc.org",
        "domain": "d",
        "appId": "a",
        "username": "amina",
        "apiKey": "secret",
    },
    "kobotoolbox": {"baseUrl": "https://kobo.org", "username": "amina", "password": "secret"},
    "postgresql": {"host": "db.org", "database": "d", "user": "amina", "password": "secret"},
}
DATA = {"id": "x1", "list": [{"n": 1}, {"n": 2}]}


def run(job, dialect, replies=None):
    """Return the requests of a job, and its final state."""
    program = Program(compile_job(job), parse(dialect), Limits(lambda: 10.0, 60))
    state = {"data": DATA, "references": [], "configuration": CREDENTIALS[parse(dialect).adaptor]}
    with dry_run(
        lambda request: next(
            (reply for key, reply in (replies or {}).items() if key in str(request)), None
        )
    ) as requests:
        program.begin(state)
        for number in range(len(program.operations)):
            program.apply(number)
    return requests, json.loads(program.to_json())


def sent(request):
    """Return method, path, query and body of a request, or a statement and its values."""
    if isinstance(request, DryStatement):
        return request.sql, list(request.values)
    parts = urlsplit(request.url)
    body = json.loads(request.body) if request.body else None
    return request.method, parts.path, dict(parse_qsl(parts.query)), body


SALESFORCE = "/services/data/v"
REQUESTS = [
    (
        "salesforce@2",
        'upsert("A__c", "Ext__c", fields(field("Ext__c", dataValue("id")), relationship("B__r", "Key__c", dataValue("list[0].n"))));',
        ("PATCH", "sobjects/A__c/Ext__c/x1", {}, {"B__r": {"Key__c": 1}}),
    ),
    (
        "salesforce@2",
        'upsertIf(s => false, "A", "E", {}); createIf(true, "A__c", { n: 1 });',
        ("POST", "sobjects/A__c", {}, {"n": 1}),
    ),
    (
        "salesforce",
        'query(s => `SELECT Id FROM A WHERE E = "${s.data.id}"`);',
        ("GET", "query/", {"q": 'SELECT Id FROM A WHERE E = "x1"'}, None),
    ),
    ("salesforce@2", 'steps(create("A", { n: 1 }));', ("POST", "sobjects/A", {}, {"n": 1})),
    (
        "dhis2@5",
        'create("events", { program: "p", orgUnit: $.data.id }, { params: { a: 1 } });',
        ("POST", "/api/events", {"a": "1"}, {"program": "p", "orgUnit": "x1"}),
    ),
    (
        "dhis2",
        'create("organisationUnits", { name: $.data.id }, { a: 1 });',
        ("POST", "/api/organisationUnits", {"a": "1"}, {"name": "x1"}),
    ),
    (
        "dhis2@2",
        'createTEI({ orgUnit: dataValue("id"), trackedEntityType: "t" });',
        ("POST", "/api/trackedEntityInstances", {}, {"orgUnit": "x1", "trackedEntityType": "t"}),
    ),
    (
        "dhis2@1",
        'dataValueSet({ dataSet: "d", dataValues: [dataElement("e", dataValue("id"))] });',
        (
            "POST",
            "/api/dataValueSets",
            {},
            {"dataSet": "d", "dataValues": [{"dataElement": "e", "value": "x1"}]},
        ),
    ),
    (
        "commcare",
        'get("case", { type: "p" });',
        ("GET", "/a/d/api/v0.5/case/", {"type": "p"}, None),
    ),
    (
        "kobotoolbox",
        "getSubmissions($.data.id, { query: { a: 1 } });",
        ("GET", "/api/v2/assets/x1/data/", {"query": '{"a": 1}'}, None),
    ),
    (
        "postgresql",
        'upsert("t", "id", { id: $.data.id, a: undefined, b: "undefined" }); sql(s => `select ${1}`);',
        None,
    ),
]


@pytest.mark.parametrize(("dialect", "job", "expected"), REQUESTS, ids=range(len(REQUESTS)))
def test_job_sends_the_request_of_its_version(dialect, job, expected):
    request = run(job, dialect)[0][0]
    if expected is None:
        statement, values = sent(request)
        assert (statement.split()[:2], values) == (["INSERT", "INTO"], ["x1", None, None])
        return
    method, path, query, body = sent(request)
    assert (method, body) == (expected[0], expected[3])
    assert path.endswith(expected[1])
    assert query.items() >= expected[2].items()


def test_answer_of_salesforce_is_where_its_version_puts_it():
    answer = Reply(body={"totalSize": 1, "done": True, "records": [{"Id": "003"}]})
    job = 'query("SELECT Id FROM A");\nfn(s => ({ ...s, last: lastReferenceValue("records[0].Id")(s) }));'
    old = run(job, "salesforce@2", {"query": answer})[1]
    assert (old["data"], old["last"]) == (DATA, "003")
    middle, newest = (
        run(job, name, {"query": answer})[1] for name in ("salesforce@6", "salesforce")
    )
    assert [record["Id"] for record in middle["data"]["records"]] == ["003"]
    assert [record["Id"] for record in newest["data"]] == ["003"]
    assert newest["references"] == [DATA]


def test_answer_of_dhis2_is_where_its_version_puts_it():
    answer = {"api": Reply(body={"status": "OK", "httpStatusCode": 200, "response": {"uid": "u"}})}
    job = 'create("organisationUnits", { name: "x" });'
    assert run(job, "dhis2@1", answer)[1]["references"][0]["body"]["response"] == {"uid": "u"}
    assert run(job, "dhis2@4", answer)[1]["data"]["response"] == {"uid": "u"}


def test_form_of_commcare_gets_an_instance_id():
    (request,), _ = run(
        'submit({ "@": { xmlns: "http://x" }, name: dataValue("id") });', "commcare"
    )
    assert b"instanceID" in request.body
    assert b'<data xmlns="http://x">' in request.body


def test_job_may_import_the_operations_of_another_adaptor():
    job = 'import { post as send } from "@openfn/language-http";\nsend("https://x.org/a", $.data.id);\nget("me");'
    requests, _ = run(job, "dhis2")
    assert [request.url for request in requests] == ["https://x.org/a", "https://dhis2.org/api/me"]


def test_text_of_salesforce_becomes_ascii_as_in_openfn():
    words = ["Zoë Straße", "Đặng Thị Huệ", "Łódź – “Ærø” … 5 €", "½ °C", "e\u0301", "漢"]  # noqa: RUF001 - it becomes a hyphen
    _, final = run(f"fn(s => ({{ ...s, x: {json.dumps(words)}.map(toUTF8) }}));", "salesforce@4")
    recorded = ["Zoe Strasse", "Dang Thi Hue", 'Lodz - "Aero" ... 5 EUR', "1/2 degC", "e", "漢"]
    assert final["x"] == recorded


def test_bulk_query_of_salesforce_has_the_list_of_records():
    answer = {"query": Reply(body={"totalSize": 1, "done": True, "records": [{"Id": "003"}]})}
    final = run('bulkQuery("SELECT Id FROM A");', "salesforce@4", answer)[1]
    assert [record["Id"] for record in final["data"]] == ["003"]
