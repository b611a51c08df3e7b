"""The matcher: a run for every job whose trigger says so, once."""

from __future__ import annotations

import json
import random

import boto3

from openfn import ids
from openfn.history import details as records
from openfn.log_events import LogEvent
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import aws
from tests.conftest import ROOT, post, without_queue
from workbench.local.sample_posts import POSTS

NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


def _event(*bodies):
    """Give a batch of the match queue with these bodies."""
    event = json.loads((ROOT / "events/lambda/sqs_match_queue.json").read_text("utf-8"))
    (record,) = event["Records"]
    records = [record | {"messageId": str(n), "body": body} for n, body in enumerate(bodies)]
    return {"Records": records}


def _queued(made, body, inbox="inbox-a"):
    answer = post(made, body, inbox=inbox)
    return answer["headers"]["X-Message-Id"]


def test_a_message_runs_every_job_whose_trigger_matches(made, urls, sink, logged):
    for each in POSTS:
        each.send(urls[each.inbox])
    made.settle()
    matched = [
        (event["trigger"], event["job"]) for event in logged.events(LogEvent.MESSAGE_MATCHED)
    ]
    assert sorted(matched) == [
        ("commcare-visit", "record-visit"),
        ("kobo-household", "register-household"),
        ("odk-registration", "register-child"),
    ]


def test_an_exclusion_and_another_inbox_keep_a_job_from_running(made, logged):
    draft = json.loads(POSTS[0].body) | {"_status": "draft"}
    post(made, json.dumps(draft), inbox="field-data")
    post(made, POSTS[0].body, inbox="commcare")
    made.settle()
    assert len(logged.events(LogEvent.MESSAGE_UNMATCHED)) == 2
    assert logged.events(LogEvent.MESSAGE_MATCHED) == []


def test_a_message_delivered_twice_has_one_run(made_with, logged):
    made = made_with(NOTHING)
    message_id = _queued(made, "{}")
    body = json.dumps({"message_id": message_id})
    for _ in range(2):
        assert made.invoke("matcher", _event(body, body))["batchItemFailures"] == []
    made.settle()
    assert len(logged.events(LogEvent.RUN_SUCCEEDED)) == 1
    assert records.run(ids.run_id(message_id, "job-a")).attempt == 1


def test_a_message_that_comes_again_after_its_run_is_not_run_again(made_with, logged):
    made = made_with(NOTHING)
    message_id = _queued(made, "{}")
    made.settle()
    made.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    made.settle()
    assert len(logged.events(LogEvent.RUN_SUCCEEDED)) == 1


def test_only_the_records_that_failed_stay_on_the_queue(made_with):
    made = made_with(NOTHING)
    good = json.dumps({"message_id": _queued(made, "{}")})
    gone = json.dumps({"message_id": ids.new_message_id()})
    bad = ["", "[]", '{"message_id": 7}', '{"message_id": "x"}', '{"run_id": "y"}', "\ud800"]
    answer = made.invoke("matcher", _event(good, gone, *bad))
    failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
    assert failed == {"1", "2", "3", "4", "5", "6", "7"}


def test_a_run_that_cannot_be_queued_is_queued_by_the_next_tick(made_with, logged):
    made = made_with(NOTHING)
    message_id = _queued(made, "{}")
    event = _event(json.dumps({"message_id": message_id}))
    with without_queue(made, "RUN_QUEUE_URL"):
        assert made.invoke("matcher", event)["batchItemFailures"] == []
    made.tick()
    made.settle()
    assert records.run(ids.run_id(message_id, "job-a")).status == "succeeded"


def test_an_ordered_run_that_cannot_be_queued_leaves_its_message_on_the_queue(made_of):
    made = made_of(
        """
        triggers: {all: {inclusion: {}, order_by: case}}
        jobs: {job-a: {trigger: all, expression: jobs/a.py}}
        """,
        a=NOTHING,
    )
    message_id = _queued(made, '{"case": 1}')
    with without_queue(made, "RUN_QUEUE_URL"):
        answer = made.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    assert len(answer["batchItemFailures"]) == 1


def test_a_message_that_can_never_be_matched_ends_in_the_dead_letter_queue(made):
    sqs = boto3.client("sqs")
    url = made.resources.functions["matcher"].environment["MATCH_QUEUE_URL"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    sqs.send_message(
        QueueUrl=url,
        MessageBody="not one of ours",
        MessageGroupId="g",
        MessageDeduplicationId="d",
    )
    made.settle()
    (dead,) = [each for each in sqs.list_queues()["QueueUrls"] if "MatchDeadLetters" in each]
    (message,) = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert message["Body"] == "not one of ours"


def test_ten_messages_are_read_and_their_runs_queued_in_one_batch(made_with, logged):
    made = made_with(NOTHING)
    for number in range(10):
        post(made, json.dumps({"number": number}))
    made.settle()
    metrics = [json.loads(line) for name, line in logged if name == "matcher" and "_aws" in line]
    assert [each["MessagesMatched"] for each in metrics] == [[10.0]]


def test_the_query_string_can_be_matched(made_with, logged):
    made = made_with(NOTHING, inclusion="{__query_params: {site: A}}")
    post(made, "{}", rawQueryString="site=A&x=1")
    post(made, "{}", rawQueryString="site=B")
    made.settle()
    assert len(logged.events(LogEvent.MESSAGE_MATCHED)) == 1
    assert len(logged.events(LogEvent.MESSAGE_UNMATCHED)) == 1


def test_a_message_whose_body_is_gone_does_not_take_others_with_it(made_with, logged):
    made = made_with(NOTHING)
    noise = random.Random(1).randbytes(600_000).hex()
    gone = _queued(made, json.dumps({"noise": noise}))
    good = [_queued(made, "{}") for _ in range(3)]
    bucket = made.resources.physical_ids["Bucket"]
    boto3.client("s3").delete_object(Bucket=bucket, Key=f"messages/{gone}/body")
    bodies = [json.dumps({"message_id": each}) for each in (gone, *good)]
    answer = made.invoke("matcher", _event(*bodies))
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["0"]
    assert len(logged.events(LogEvent.MESSAGE_MATCHED)) == 3


class _Calls(list):
    """The names of the calls that clients make."""

    def __init__(self, *services):
        for service in services:
            hooks = aws.client(service).meta.events
            hooks.register("before-parameter-build", lambda model, **_: self.append(model.name))


def test_a_message_that_matches_fifty_jobs_creates_their_runs_in_few_calls(made_of, logged):
    jobs = "".join(f"  job-{n}: {{trigger: all, expression: jobs/a.py}}\n" for n in range(50))
    made = made_of(f"triggers: {{all: {{inclusion: {{}}}}}}\njobs:\n{jobs}", a=NOTHING)
    message_id = _queued(made, "{}")
    calls = _Calls("dynamodb", "sqs")
    made.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    assert calls == ["BatchGetItem", "TransactWriteItems", *["SendMessageBatch"] * 5]
    made.settle()
    assert len(logged.events(LogEvent.RUN_SUCCEEDED)) == 50
    made.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    made.settle()
    assert len(logged.events(LogEvent.RUN_SUCCEEDED)) == 50


def test_runs_that_were_created_before_do_not_keep_others_from_being_created(made_of, logged):
    jobs = "".join(f"  job-{n}: {{trigger: all, expression: jobs/a.py}}\n" for n in range(120))
    made = made_of(f"triggers: {{all: {{inclusion: {{}}}}}}\njobs:\n{jobs}", a=NOTHING)
    message_id = _queued(made, "{}")
    before = [Plan(message_id, f"job-{n}", "all") for n in (3, 50, 119)]
    runs.create(before, "earlier")
    made.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    versions = [records.run(ids.run_id(message_id, f"job-{n}")).project_version for n in range(120)]
    assert [n for n, version in enumerate(versions) if version == "earlier"] == [3, 50, 119]


def test_a_message_that_matches_nothing_is_kept_as_such_beside_it_and_told(made_with, logged):
    made = made_with(NOTHING, inclusion="{form: visit}")
    message_id = _queued(made, "{}")
    made.settle()
    (event,) = logged.events(LogEvent.MESSAGE_UNMATCHED)
    assert (event["message_id"], event["inbox"]) == (message_id, "inbox-a")
    assert records.newest(1, days=2)[0].unmatched is True
    metrics = [json.loads(line) for name, line in logged if name == "matcher" and "_aws" in line]
    assert [each["MessagesUnmatched"] for each in metrics] == [[1.0]]


def test_an_index_of_many_triggers_runs_the_right_jobs(made_of, logged):
    triggers = "".join(f"  t{n}: {{inclusion: {{form: f{n}}}}}\n" for n in range(300))
    jobs = "".join(f"  j{n}: {{trigger: t{n}, expression: jobs/a.py}}\n" for n in range(300))
    made = made_of(f"triggers:\n{triggers}jobs:\n{jobs}", a=NOTHING)
    for form in ("f7", "f299", "f300"):
        post(made, json.dumps({"form": form}))
    made.settle()
    assert sorted(event["job"] for event in logged.events(LogEvent.RUN_SUCCEEDED)) == ["j299", "j7"]
