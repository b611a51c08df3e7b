"""workbench.testing: tests of a project's jobs."""

from __future__ import annotations

import pytest

from adaptors._runtime import dry_run
from adaptors.errors import RemoteUnavailable
from openfn.errors import OpenFnError
from tests.conftest import ROOT
from tests.workbench.conftest import GOOD
from workbench.errors import CommandError
from workbench.testing import Reply, event, in_turn, run_job
from workbench.testing.responses import StubResponses

FETCHING = """\
from adaptors.common import emit, fn
from adaptors.http import get, post


def show(state):
    print("has", state["data"])
    return state


get("records", query={"page": 1})
fn(show)
get("records", query={"page": 2})
fn(show)
post("done/7", {"id": 7})
fn(show)
emit("field", {"n": 1})
"""
BODY = {"formId": "registration", "name": "Amina"}


@pytest.fixture
def job(project):
    """Run a job's code on a body that its trigger matches."""

    def run(code, body=BODY, **options):
        project.write(
            "project.yaml",
            GOOD.replace("trigger: form", "trigger: form\n    credential: registry")
            + "credentials:\n  registry: {adaptor: http}\n",
        )
        project.write("jobs/go.py", code)
        return run_job("go", body, project=project.folder, **options)

    return run


def test_result_has_what_a_job_would_do_and_nothing_is_sent(job):
    result = job(FETCHING)
    assert [f"{request.method} {request.url}" for request in result.requests] == [
        "GET https://registry.invalid/records?page=1",
        "GET https://registry.invalid/records?page=2",
        "POST https://registry.invalid/done/7",
    ]
    assert (result.requests[2].path, result.requests[2].json) == ("/done/7", {"id": 7})
    assert result.log == "has {}\nhas {}\nhas {}\n"
    assert result.emitted == [("field", {"n": 1})]
    assert result.final["references"][-1] == BODY
    assert result.error is None


@pytest.mark.parametrize(
    ("answers", "seen"),
    [
        ({"GET records": ["a"]}, [["a"], ["a"], {}]),
        ({"GET records": in_turn({"n": 1}, {"n": 2})}, [{"n": 1}, {"n": 2}, {}]),
        ({"GET records?page=2": {"n": 2}, "POST done/*": {"id": 1}}, [{}, {"n": 2}, {"id": 1}]),
        ({"POST /done/7": None, "GET *": "text"}, ["text", "text", None]),
        ({"POST https://registry.invalid/done/7": b'{"id": 2}'}, [{}, {}, {"id": 2}]),
        ({"POST 7": Reply(201, {"id": 3})}, [{}, {}, {"id": 3}]),
    ],
    ids=str,
)
def test_answers_are_selected_by_method_and_path(job, answers, seen):
    assert job(FETCHING, answers=answers).log.splitlines() == [f"has {data}" for data in seen]


@pytest.mark.parametrize(
    ("answer", "verdict", "seconds"),
    [
        (Reply(503, headers={"Retry-After": "7"}), "remote-for-now", 7),
        (Reply(409, {"message": "there already"}), "remote", None),
        (Reply(302, headers={"Location": "https://x.org/login"}), "remote", None),
        (RemoteUnavailable("no answer in time", 9), "remote-for-now", 9),
    ],
    ids=str,
)
def test_error_response_has_the_verdict_of_a_real_run(job, answer, verdict, seconds):
    result = job(FETCHING, answers={"POST done/*": answer}, fails=True)
    assert (result.error.verdict, result.error.retry_after) == (verdict, seconds)
    assert (result.error.operation, result.final, result.emitted) == ("post", None, [])
    assert len(result.requests) == 3


@pytest.mark.parametrize(
    ("code", "options", "text"),
    [
        (FETCHING, {"answers": {"POST don": {}}}, "'POST don' has 1 answer but was used 0 times"),
        (
            FETCHING,
            {"answers": {"POST one/7": {}}},
            "'POST one/7' has 1 answer but was used 0 times",
        ),
        (FETCHING, {"answers": {"GET done/7": {}}}, "was used 0 times\n  it sent {'method': 'GET'"),
        (
            FETCHING,
            {"answers": {"GET *": in_turn(1, 2, 3)}},
            "'GET *' has 3 answers but was used 2 times",
        ),
        (
            FETCHING,
            {"answers": {"GET *": in_turn(1)}},
            "'GET *' has only 1 answer but was used 2 times",
        ),
        (FETCHING, {"fails": True}, "go should fail but succeeded"),
        (FETCHING, {"answers": {"POST *": Reply(400)}}, "go failed: line 14, post: RemoteRefused"),
        (
            FETCHING,
            {"body": {"formId": "birth"}},
            'form does not match this body: formId: expected "re',
        ),
    ],
    ids=str,
)
def test_unexpected_result_is_an_assertion_error(job, code, options, text):
    with pytest.raises(AssertionError) as raised:
        job(code, **options)
    assert text in str(raised.value)


def test_body_must_match_one_of_several_triggers(project):
    several = GOOD.replace("trigger: form", "trigger: [form, visit, done]").replace(
        "jobs:", "  visit: {inclusion: {visit: 1}}\n  done: {success: other}\njobs:"
    )
    other = "  other: {trigger: form, expression: jobs/go.py}\n"
    project.write("project.yaml", several + other)
    for body in (BODY, {"visit": 1}):
        assert run_job("go", body, project=project.folder).final["data"] == body
    assert run_job("go", state={"a": 1}, project=project.folder).final["a"] == 1
    with pytest.raises(AssertionError) as raised:
        run_job("go", {"visit": 2}, project=project.folder)
    first, second = str(raised.value).split("; ")
    assert first.startswith("form does not match this body: formId")
    assert second == "visit does not match this body: visit: expected 1, found 2"


def test_body_can_be_a_post_with_query_and_content_type(job):
    code = "from adaptors.common import fn\nfn(lambda state: state)\n"
    final = job(
        code,
        "formId=registration",
        query="?site=A",
        content_type="application/x-www-form-urlencoded",
    ).final
    assert final["data"] == {"formId": "registration"}
    assert final["request"]["query_params"] == {"site": "A"}
    assert job(code, b'{"formId": "registration"}').final["data"] == {"formId": "registration"}


def test_placeholder_credential_can_be_extended(job):
    code = """\
from adaptors.common import fn

fn(lambda state: {"seen": {**state["configuration"]}})
"""
    assert job(code, credential={"orgUnit": "x"}).final == {
        "seen": {"baseUrl": "https://registry.invalid", "orgUnit": "x"}
    }


def test_job_without_a_message_starts_with_a_state(job, project):
    code = "from adaptors.common import fn\nfn(lambda state: {**state, 'seen': sorted(state)})\n"
    result = job(code, None, state={"data": 1})
    assert result.final["seen"] == ["configuration", "data", "references"]
    with pytest.raises(CommandError, match="go runs on messages"):
        job(code, None)


def test_events_are_parsed_as_in_a_run():
    assert event("kobo_household.json")["_xform_id_string"] == "groups"
    assert event("sources/telerivet_sms.form")["event"] == "incoming_message"
    assert event("sources/commcare_form.xml")["data"]["@name"]
    with pytest.raises(CommandError, match=r"There is no event gone\.json in"):
        event("gone.json")


def test_project_is_the_one_that_contains_the_test(project, monkeypatch):
    monkeypatch.chdir(ROOT)
    project.write("project.yaml", GOOD)
    project.write("tests/events/birth.json", '{"formId": "registration", "born": "today"}')
    test = project.write(
        "tests/test_go.py",
        "from workbench.testing import event, run_job\ndone = run_job('go', event('birth.json'))\n",
    )
    module = {}
    exec(compile(test.read_text("utf-8"), str(test), "exec"), module)
    assert module["done"].final["data"]["born"] == "today"


def test_answer_of_a_statement_is_selected_by_part_of_its_sql():
    stubs = StubResponses({"from  CHILDREN": [{"id": 1}], "insert": in_turn([], OpenFnError("no"))})
    with dry_run.dry_run(stubs.respond):
        execute = lambda sql: dry_run.scripted_response(dry_run.DryStatement(sql))  # noqa: E731
        assert execute("SELECT id\n  FROM children WHERE a = %s") == [{"id": 1}]
        assert execute("select 1") is None
        assert execute("INSERT INTO x") == []
        with pytest.raises(OpenFnError):
            execute("INSERT INTO x")
    assert dry_run.scripted_response(dry_run.DryStatement("select from children")) is None
    assert stubs.unused() == []
