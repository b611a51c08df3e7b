"""A run's transaction is committed with its success and repeated after a failure."""

from __future__ import annotations

import json
from dataclasses import replace

import psycopg
import pytest

from openfn import ids
from openfn.history import details
from openfn.project import compiled as project
from tests.conftest import post
from tests.functions.test_retries import again, created
from tests.support.fake_destination import FakeDestination
from workbench.local import lambda_functions

PROJECT = """
triggers:
  all: {inclusion: {}, exclusion: {skip: true}}
credentials:
  registry: {adaptor: postgresql}
jobs:
  job-a: {trigger: all, credential: registry, expression: jobs/a.py, retry: {up_to: 2h}}
"""
FOUR = """
from adaptors.common import emit, fn
from adaptors.http import post
from adaptors.postgresql import commit, insert, sql

post("before", {"n": 0})
sql("select count(*) from visits")
emit("inbox-a", {"skip": True, "at": "before"})
insert("visits", {"id": lambda state: state["references"][-1]["n"], "step": "first"})
emit("inbox-a", {"skip": True})
{between}
post("amidst", {"n": 1})
insert("visits", {"id": 8, "step": "second"})
"""


@pytest.fixture
def remote():
    with FakeDestination().running() as running:
        yield running


@pytest.fixture
def db(postgresql_uri):
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        connection.execute("create table visits (number serial, id int, step text)")
        yield connection


@pytest.fixture
def posted(create_project_stack, remote, db, postgresql_uri):
    """Post a message to a job with this code; return the stack and the run's id."""

    def run(code=FOUR, between="", **more):
        stack = create_project_stack(PROJECT, a=code.replace("{between}", between))
        host = postgresql_uri.split("host=")[1]
        credential = {"host": host, "database": "postgres", "user": "postgres"}
        stack.set_credential("registry", credential | {"baseUrl": remote.url} | more)
        message_id = post(stack, '{"n": 7}')["headers"]["X-Message-Id"]
        stack.drain()
        return stack, ids.run_id(message_id, "job-a")

    return run


def rows(db):
    return db.execute("select id, step from visits order by number").fetchall()


def bodies():
    return [json.loads(row.message.body) for row in details.newest_messages(10, days=2)]


def test_successful_run_commits_all_rows(posted, db):
    _, run_id = posted()
    assert details.run(run_id).status == "succeeded"
    assert rows(db) == [(7, "first"), (8, "second")]


def test_retry_resumes_where_the_transaction_began_and_writes_rows_once(posted, remote, db):
    remote.statuses["/amidst"] = [503, 503]
    stack, run_id = posted()
    assert details.run(run_id).status == "waiting"
    assert rows(db) == []
    assert again(stack, run_id).status == "waiting"
    assert rows(db) == []
    record = again(stack, run_id)
    assert (record.status, record.attempt) == ("succeeded", 3)
    assert rows(db) == [(7, "first"), (8, "second")]
    assert remote.paths == ["/before", "/amidst", "/amidst", "/amidst"]
    assert len([body for body in bodies() if body.get("skip")]) == 2


def test_committed_operations_are_not_repeated(posted, remote, db):
    remote.statuses["/amidst"] = [503]
    stack, run_id = posted(between="commit()")
    assert rows(db) == [(7, "first")]
    assert again(stack, run_id).status == "succeeded"
    assert rows(db) == [(7, "first"), (8, "second")]
    assert remote.paths == ["/before", "/amidst", "/amidst"]


def test_run_refused_in_its_last_operation_writes_nothing(posted, db):
    _, run_id = posted(FOUR.replace('"id": 8', '"id": "x"'))
    record = details.run(run_id)
    assert (record.status, record.error["verdict"]) == ("failed", "remote")
    assert rows(db) == []
    assert "integer" in record.error["message"]
    assert len(bodies()) == 1


def test_failed_commit_fails_the_run_with_its_verdict(posted, db):
    db.execute("create table homes (id int primary key)")
    foreign = "foreign key (id) references homes deferrable initially deferred"
    db.execute(f"alter table visits add {foreign}")
    _, run_id = posted()
    record = details.run(run_id)
    assert (record.status, record.error["verdict"]) == ("failed", "remote")
    assert (record.error["operation"], record.error["line"]) == ("ending", 0)
    assert "23503" in record.error["message"]
    assert "detail: Key (id)=(7) is not present" in record.log
    assert (rows(db), len(bodies())) == ([], 1)


def test_retryable_failure_of_the_commit_is_retried(posted, remote, db):
    db.execute(
        "create sequence tries; create function late() returns trigger language plpgsql as $$ "
        "begin if nextval('tries') < 3 then raise serialization_failure; end if; return null; end "
        "$$; create constraint trigger late after insert on visits deferrable initially deferred "
        "for each row execute function late()"
    )
    stack, run_id = posted()
    record = details.run(run_id)
    assert (record.status, record.error["verdict"]) == ("waiting", "remote-for-now")
    assert again(stack, run_id).status == "waiting"
    assert again(stack, run_id).status == "succeeded"
    assert rows(db) == [(7, "first"), (8, "second")]
    assert remote.paths == ["/before", *["/amidst"] * 3]
    assert len([body for body in bodies() if body.get("skip")]) == 2


def test_run_that_exceeds_the_time_limit_writes_nothing_and_is_retried(posted, db):
    slow = "import time\nfn(lambda state: [time.sleep(0.01) for _ in range(3000)] and state)"
    stack, _ = posted('from adaptors.common import fn\nfn(lambda state: {**state, "n": 1})')
    run_id = created(stack)
    path = project.current().jobs["job-a"].expression
    path.write_text(FOUR.replace("{between}", slow), "utf-8")
    hurried = replace(stack.resources.functions["runner"], timeout_seconds=6.3)
    delivery = {
        "messageId": "1",
        "body": json.dumps({"run_id": run_id}),
        "eventSource": "aws:sqs",
    }
    lambda_functions.invoke(hurried, {"Records": [delivery]}, stack.on_log_line)
    assert details.run(run_id).error["type"] == "TimedOut"
    assert rows(db) == []
    path.write_text(FOUR.replace("{between}", slow.replace("3000", "1")), "utf-8")
    assert again(stack, run_id).status == "succeeded"
    assert len(rows(db)) == 2


def test_unavailable_database_is_retried_at_the_operation_that_needs_it(posted, remote):
    stack, run_id = posted(host="/nowhere")
    for _ in range(2):
        record = details.run(run_id)
        assert (record.status, record.error["operation"]) == ("waiting", "sql")
        assert record.error["type"] == "RemoteUnavailable"
        again(stack, run_id)
    assert remote.paths == ["/before"]
