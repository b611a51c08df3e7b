"""The matcher: one run for every job whose trigger matches a message."""

from __future__ import annotations

import json
import random
from contextlib import contextmanager

from openfn import ids
from openfn.history import details as records
from openfn.history import replay
from openfn.log_events import LogEvent
from openfn.messages import store as messages
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import table
from tests.conftest import ROOT, post
from tests.monitoring.traffic import queue_unmatchable_message
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call
from tests.support.stack_client import without_queue
from tests.support.stored_messages import message_id_of
from workbench.local.sample_posts import POSTS

ORDERED = """
    triggers:
      all: {inbox: inbox-a, inclusion: {}, order_by: case}
    jobs:
      nothing: {trigger: all, expression: jobs/nothing.py}
"""
NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"


def _event(*bodies):
    """Return a batch of the match queue with these bodies."""
    event = json.loads((ROOT / "events/lambda/sqs_match_queue.json").read_text("utf-8"))
    (record,) = event["Records"]
    records = [record | {"messageId": str(n), "body": body} for n, body in enumerate(bodies)]
    return {"Records": records}


def _post_message(stack, body, inbox="inbox-a"):
    return message_id_of(post(stack, body, inbox=inbox))


def test_message_runs_every_job_whose_trigger_matches(stack, urls, destination, log_lines):
    for sample in POSTS:
        sample.send(urls[sample.inbox])
    stack.drain()
    matched = [
        (event["trigger"], event["job"]) for event in log_lines.events(LogEvent.MESSAGE_MATCHED)
    ]
    assert sorted(matched) == [
        ("commcare-visit", "record-visit"),
        ("kobo-household", "register-household"),
        ("odk-registration", "register-child"),
    ]


def test_excluded_messages_and_other_inboxes_start_no_run(stack, log_lines):
    draft = json.loads(POSTS[0].body) | {"_status": "draft"}
    post(stack, json.dumps(draft), inbox="field-data")
    post(stack, POSTS[0].body, inbox="commcare")
    stack.drain()
    assert len(log_lines.events(LogEvent.MESSAGE_UNMATCHED)) == 2
    assert log_lines.events(LogEvent.MESSAGE_MATCHED) == []


def test_message_delivered_twice_has_one_run(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING)
    message_id = _post_message(stack, "{}")
    body = json.dumps({"message_id": message_id})
    for _ in range(2):
        assert stack.invoke("matcher", _event(body, body))["batchItemFailures"] == []
    stack.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1
    assert records.run(ids.run_id(message_id, "job-a")).attempt == 1


def test_message_delivered_after_its_run_starts_no_other(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING)
    message_id = _post_message(stack, "{}")
    stack.drain()
    stack.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    stack.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1


def test_only_failed_records_stay_on_the_queue(create_job_stack):
    stack = create_job_stack(NOTHING)
    good = json.dumps({"message_id": _post_message(stack, "{}")})
    gone = json.dumps({"message_id": ids.new_message_id()})
    bad = ["", "[]", '{"message_id": 7}', '{"message_id": "x"}', '{"run_id": "y"}', "\ud800"]
    response = stack.invoke("matcher", _event(good, gone, *bad))
    failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
    assert failed == {"1", "2", "3", "4", "5", "6", "7"}


def test_run_that_could_not_be_queued_is_queued_by_the_next_tick(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING)
    message_id = _post_message(stack, "{}")
    event = _event(json.dumps({"message_id": message_id}))
    with without_queue(stack, "RUN_QUEUE_URL"):
        assert stack.invoke("matcher", event)["batchItemFailures"] == []
    stack.tick()
    stack.drain()
    assert records.run(ids.run_id(message_id, "job-a")).status == "succeeded"


def test_message_stays_on_the_queue_if_its_ordered_run_was_not_queued(create_project_stack):
    stack = create_project_stack(
        """
        triggers: {all: {inclusion: {}, order_by: case}}
        jobs: {job-a: {trigger: all, expression: jobs/a.py}}
        """,
        a=NOTHING,
    )
    message_id = _post_message(stack, '{"case": 1}')
    with without_queue(stack, "RUN_QUEUE_URL"):
        response = stack.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    assert len(response["batchItemFailures"]) == 1


def test_invalid_queue_body_ends_in_the_dead_letter_queue(stack):
    sqs = stack_client.client("sqs")
    url = stack.resources.functions["matcher"].environment["MATCH_QUEUE_URL"]
    stack_client.change_queue(url, hidden_seconds=0)
    sqs.send_message(
        QueueUrl=url,
        MessageBody="not one of ours",
        MessageGroupId="g",
        MessageDeduplicationId="d",
    )
    stack.drain()
    (dead,) = [url for url in sqs.list_queues()["QueueUrls"] if "MatchDeadLetters" in url]
    (message,) = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert message["Body"] == "not one of ours"


def test_ten_messages_are_matched_in_one_batch(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING)
    for number in range(10):
        post(stack, json.dumps({"number": number}))
    stack.drain()
    metrics = [json.loads(line) for name, line in log_lines if name == "matcher" and "_aws" in line]
    assert [metric["MessagesMatched"] for metric in metrics] == [[10.0]]


def test_query_string_can_be_matched(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING, inclusion="{__query_params: {site: A}}")
    post(stack, "{}", rawQueryString="site=A&x=1")
    post(stack, "{}", rawQueryString="site=B")
    stack.drain()
    assert len(log_lines.events(LogEvent.MESSAGE_MATCHED)) == 1
    assert len(log_lines.events(LogEvent.MESSAGE_UNMATCHED)) == 1


def test_message_without_its_body_does_not_fail_others(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING)
    noise = random.Random(1).randbytes(600_000).hex()
    gone = _post_message(stack, json.dumps({"noise": noise}))
    good = [_post_message(stack, "{}") for _ in range(3)]
    bucket = stack.resources.physical_ids["Bucket"]
    stack_client.client("s3").delete_object(Bucket=bucket, Key=f"messages/{gone}/body")
    bodies = [json.dumps({"message_id": message_id}) for message_id in (gone, *good)]
    response = stack.invoke("matcher", _event(*bodies))
    assert [failure["itemIdentifier"] for failure in response["batchItemFailures"]] == ["0"]
    assert len(log_lines.events(LogEvent.MESSAGE_MATCHED)) == 3


@contextmanager
def _recorded_calls():
    """Yield the names of the calls to the table and the queues."""
    names = []

    def record(model, **_):
        names.append(model.name)

    with (
        hook_aws_call("before-parameter-build.dynamodb", record),
        hook_aws_call("before-parameter-build.sqs", record),
    ):
        yield names


def test_runs_of_fifty_jobs_are_created_in_few_calls(create_project_stack, log_lines):
    jobs = "".join(f"  job-{n}: {{trigger: all, expression: jobs/a.py}}\n" for n in range(50))
    stack = create_project_stack(
        f"triggers: {{all: {{inclusion: {{}}}}}}\njobs:\n{jobs}", a=NOTHING
    )
    message_id = _post_message(stack, "{}")
    with _recorded_calls() as calls:
        stack.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    assert calls == ["BatchGetItem", "TransactWriteItems", *["SendMessageBatch"] * 5]
    stack.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 50
    stack.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    stack.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 50


def test_existing_runs_do_not_prevent_the_creation_of_others(create_project_stack, log_lines):
    jobs = "".join(f"  job-{n}: {{trigger: all, expression: jobs/a.py}}\n" for n in range(120))
    stack = create_project_stack(
        f"triggers: {{all: {{inclusion: {{}}}}}}\njobs:\n{jobs}", a=NOTHING
    )
    message_id = _post_message(stack, "{}")
    existing = [Plan(message_id, f"job-{n}", "all") for n in (3, 50, 119)]
    runs.create(existing, "earlier")
    stack.invoke("matcher", _event(json.dumps({"message_id": message_id})))
    versions = [records.run(ids.run_id(message_id, f"job-{n}")).project_version for n in range(120)]
    assert [n for n, version in enumerate(versions) if version == "earlier"] == [3, 50, 119]


def test_unmatched_message_is_recorded_logged_and_counted(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING, inclusion="{form: visit}")
    message_id = _post_message(stack, "{}")
    stack.drain()
    (event,) = log_lines.events(LogEvent.MESSAGE_UNMATCHED)
    assert (event["message_id"], event["inbox"]) == (message_id, "inbox-a")
    assert records.newest_messages(1, days=2)[0].summary.state == "unmatched"
    metrics = [json.loads(line) for name, line in log_lines if name == "matcher" and "_aws" in line]
    assert [metric["MessagesUnmatched"] for metric in metrics] == [[1.0]]


def test_right_jobs_of_300_triggers_run(create_project_stack, log_lines):
    triggers = "".join(f"  t{n}: {{inclusion: {{form: f{n}}}}}\n" for n in range(300))
    jobs = "".join(f"  j{n}: {{trigger: t{n}, expression: jobs/a.py}}\n" for n in range(300))
    stack = create_project_stack(f"triggers:\n{triggers}jobs:\n{jobs}", a=NOTHING)
    for form in ("f7", "f299", "f300"):
        post(stack, json.dumps({"form": form}))
    stack.drain()
    assert sorted(event["job"] for event in log_lines.events(LogEvent.RUN_SUCCEEDED)) == [
        "j299",
        "j7",
    ]


def test_message_that_cannot_be_matched_does_not_block_an_ordered_inbox(create_project_stack):
    stack = create_project_stack(ORDERED, nothing=NOTHING)
    numbers = ["1e9999999", "-1e-9999999", "1." + "7" * 5000]
    hostile = [_post_message(stack, f'{{"case": {number}, "x": 1}}') for number in numbers]
    amplifying = _post_message(stack, f'{{"case": [{"1e4299," * 20_000}1]}}')
    unmatchable = dict.fromkeys([amplifying, queue_unmatchable_message(stack)], "unmatchable")
    good = _post_message(stack, '{"case": 1}')
    stack.drain()
    states = {message.summary.id: message.summary.state for message in records.newest_messages(9)}
    assert states == dict.fromkeys([*hostile, good], "matched") | unmatchable


def test_unmatchable_message_can_be_replayed(create_job_stack, log_lines):
    stack = create_job_stack(NOTHING, inclusion="{a: 1}")
    message_id = queue_unmatchable_message(stack)
    (event,) = log_lines.events(LogEvent.MESSAGE_UNMATCHABLE)
    assert (event["message_id"], event["error"]) == (message_id, "UnreadableBody")
    key = ids.key_of(message_id)
    for body, state in ((b'{"a": 2}', "unmatched"), (b'{"a": 1}', "matched")):
        table.update(key, {"body": body})
        assert replay.replay_messages([messages.read([message_id])[message_id]]) == {}
        stack.drain()
        assert records.message(message_id).summary.state == state
