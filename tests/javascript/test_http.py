"""The adaptor http of JavaScript jobs, in the dialects of its versions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from adaptors._runtime.dry_run import Reply, dry_run
from adaptors.errors import RemoteUnavailable, Verdict
from javascript.compiler import compile_job
from javascript.dialects import RULES, parse
from javascript.program import Limits, Program

CONFIGURATION = {"baseUrl": "https://example.org/api", "username": "amina", "password": "secret"}


def run(job, dialect="http", replies=None, state=None):
    """Return the requests of a job, and its final state."""
    program = Program(compile_job(job), parse(dialect), Limits(lambda: 10.0, 60))
    initial = {"data": {"n": 1}, "references": [], "configuration": CONFIGURATION}
    with dry_run(lambda request: (replies or {}).get(request.path)) as requests:
        program.begin({**initial, **(state or {})})
        for number in range(len(program.operations)):
            program.apply(number)
    return requests, json.loads(program.to_json())


@pytest.mark.parametrize(
    ("dialect", "job"),
    [
        ("http", 'post("people", { n: $.data.n }, { query: { a: 1 }, headers: { "X-A": 2 } });'),
        (
            "http@6",
            'post("people", { body: { n: $.data.n }, query: { a: 1 }, headers: { "X-A": 2 } });',
        ),
        (
            "http@4",
            'post("people", { data: s => s.data, params: { a: 1 }, headers: { "X-A": 2 } });',
        ),
        (
            "http@6",
            'request("POST", "people", { body: $.data, query: { a: 1 }, headers: { "X-A": 2 } });',
        ),
        ("http@2", 'post("people", { body: { n: 1 }, qs: { a: 1 }, headers: { "X-A": 2 } });'),
    ],
)
def test_every_version_sends_the_same_request(dialect, job):
    (request,), _ = run(job, dialect)
    assert (request.method, request.url) == ("POST", "https://example.org/api/people?a=1")
    assert (request.json, request.headers["X-A"]) == ({"n": 1}, "2")
    assert request.headers["Authorization"] == "***"


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("@openfn/language-http@v4.0.0", "http@4"),
        ("@openfn/language-http@latest", "http"),
        ("language-http", "http"),
        ("http@7.0.0-rc1", "http@7"),
    ],
)
def test_names_of_adaptors_in_openfns_projects_are_read(text, dialect):
    assert str(parse(text)) == dialect


def test_response_becomes_data_and_references_grow_at_the_end():
    replies = {"/api/a": Reply(body={"id": 7}, headers={"Content-Type": "application/json"})}
    _, final = run('get("a"); get("a");', replies=replies)
    assert final["data"] == {"id": 7}
    assert final["references"] == [{"n": 1}, {"id": 7}]
    assert (final["response"]["statusCode"], final["response"]["method"]) == (200, "GET")


@pytest.mark.parametrize(
    ("dialect", "body", "data"),
    [
        ("http", "plain", "plain"),
        ("http@5", "plain", {"body": "plain"}),
        ("http@5", '{"a":1}', {"a": 1}),
        ("http", '{"a":1}', '{"a":1}'),
    ],
)
def test_text_of_a_response_is_read_as_its_version_did(dialect, body, data):
    replies = {"/api/a": Reply(body=body, headers={"Content-Type": "text/plain"})}
    assert run('get("a");', dialect, replies)[1]["data"] == data


def test_bodies_that_are_no_json():
    job = """
      post("a", "<x/>", { contentType: "xml" });
      post("b", "text", { headers: { "content-type": "text/csv" } });
      post("c", { a: 1, b: { c: 2 } }, { contentType: "form" });
    """
    requests, _ = run(job)
    types = [request.headers["Content-Type"].split(";")[0] for request in requests]
    assert types == ["application/xml", "text/csv", "multipart/form-data"]
    assert requests[0].body == b"<x/>"
    assert b'name="a"' in requests[2].body


def test_callback_gets_the_state_with_the_response():
    job = 'get("a", {}, s => ({ ...s, seen: s.data.id }));'
    assert run(job, "http@6", {"/api/a": Reply(body={"id": 7})})[1]["seen"] == 7


def test_error_of_the_destination_has_its_own_verdict_and_the_authors_line():
    with pytest.raises(RemoteUnavailable) as raised:
        run(
            'fn(s => s);\nfn(async s => {\n  await get("a")(s);\n});',
            replies={"/api/a": Reply(503)},
        )
    assert raised.value.verdict == Verdict.RETRYABLE
    assert raised.value.job_line == 3


def test_job_may_catch_the_error_of_a_destination():
    job = """
      get("a").catch((error, state) => ({ ...state, status: error.statusCode, name: error.name }));
      fn(async s => { try { await get("a")(s); } catch (e) { return { ...s, again: e.statusCode }; } });
    """
    _, final = run(job, replies={"/api/a": Reply(404)})
    assert (final["status"], final["name"], final["again"]) == (404, "RemoteRefused", 404)


def test_statuses_that_the_job_accepts_are_no_errors():
    replies = {"/api/a": Reply(404, body={"error": 1})}
    for dialect, options in (
        ("http", "{ errors: { 404: false } }"),
        ("http", "{ errors: false }"),
        ("http@5", "{ options: { successCodes: [200, 404] } }"),
    ):
        assert run(f'get("a", {options});', dialect, replies)[1]["data"] == {"error": 1}


def test_request_that_nobody_awaits_is_sent_and_its_error_fails_the_run():
    job = 'fn(s => { post("a", s.data)(s); return { ...s, done: 1 }; });'
    requests, final = run(job)
    assert (len(requests), final["done"]) == (1, 1)
    with pytest.raises(RemoteUnavailable):
        run(job, replies={"/api/a": Reply(503)})


def test_requests_at_once_are_answered_each():
    job = 'fn(async s => ({ ...s, all: (await Promise.all([get("a")(s), get("b")(s)])).map(r => r.data) }));'
    replies = {"/api/a": Reply(body=1), "/api/b": Reply(body=2)}
    assert run(job, replies=replies)[1]["all"] == [1, 2]


def test_common_http_sends_no_credential():
    job = 'http.get("https://example.org/api/a", { query: { b: 1 } });\nhttp.post("https://x.org", { c: 1 });'
    requests, _ = run(job, "common")
    assert [request.url for request in requests] == [
        "https://example.org/api/a?b=1",
        "https://x.org/",
    ]
    assert "Authorization" not in requests[0].headers
    (request,), final = run(
        'fn(async s => ({ ...s, r: (await http.get({ url: "https://x.org" })(s)).status }));',
        "common@1",
    )
    assert (request.url, final["r"]) == ("https://x.org/", 200)


def test_documentation_has_the_table_of_dialects():
    page = (Path(__file__).parents[2] / "docs/javascript.md").read_text("utf-8")
    table = [
        f"| `{rule.adaptor}@{rule.before}` | {rule.meaning} | {rule.source} |" for rule in RULES
    ]
    documented = [line for line in page.splitlines() if re.match(r"\| `[a-z0-9]+@", line)]
    assert documented == table
