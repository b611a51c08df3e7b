"""Runs whose messages share a value execute one after the other, others concurrently."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import EndpointConnectionError

from openfn import ids
from openfn.errors import GroupBlocked
from openfn.history import details
from openfn.runs import dispatch
from openfn.runs import store as runs
from openfn.runs.model import RunStatus
from openfn.storage import attention, aws, sqs_batch, table
from openfn.storage.attention import Attention
from openfn.storage.aws import Setting
from openfn.storage.sqs_batch import QueuedId
from tests.conftest import post, wait_until
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call
from tests.support.sqs import failed_ids, sqs_event
from tests.support.stack_client import without_queue
from workbench.local import event_source
from workbench.local.destination import run_destination

PROJECT = """
triggers:
  visit: {inclusion: {}, order_by: case_id}
  visited: {success: job-a}
credentials:
  secret-a: {adaptor: http}
jobs:
  job-a: {trigger: visit, credential: secret-a, expression: jobs/a.py}
  job-b: {trigger: visited, credential: secret-a, expression: jobs/b.py}
"""
# A run reports its begin and its end, and some runs fail.
TELLING = """
import random
import time
from adaptors.common import data_value, fn
from adaptors.http import post

def work(state):
    time.sleep(random.Random(state["data"]["n"]).random() * 0.03)
    if state["data"]["n"] % 7 == 3:
        raise ValueError("now and then")
    return state

def keep(state):
    return {{**state, "data": state["references"][-1]}}

post("begin/{job}", fn(lambda state: state["data"]))
fn(keep)
fn(work)
post("end/{job}", fn(lambda state: state["data"]))
fn(keep)
"""
CASES, VISITS = "abcd", 8


@pytest.fixture
def ordered(create_project_stack):
    """A stack whose jobs report the begin and end of every visit to a destination."""
    stack = create_project_stack(PROJECT, a=TELLING.format(job="a"), b=TELLING.format(job="b"))
    with run_destination() as destination:
        stack.set_credential("secret-a", {"baseUrl": destination.url})
        yield stack, destination


def visit(stack, case, number, **options):
    body = json.dumps({"case_id": case, "n": number})
    return post(stack, body, **options)["headers"]["X-Message-Id"]


def _reports(destination, job):
    """Return the reports of a job's runs, by case: begin or end, and the number."""
    by_case = defaultdict(list)
    for request in destination.received:
        phase, reporting_job = request.path.strip("/").split("/")
        if reporting_job == job:
            by_case[request.json["case_id"]].append((phase, request.json["n"]))
    return by_case


def _in_order(reports, numbers):
    """Return whether runs of one case began in order, each after the end of the last."""
    expected = []
    for number in numbers:
        expected.append(("begin", number))
        if number % 7 != 3:
            expected.append(("end", number))
    return reports == expected


def _most_at_once(destination):
    running, most = set(), 0
    for request in destination.received:
        phase, job = request.path.strip("/").split("/")
        key = (job, request.json["case_id"])
        running = running | {key} if phase == "begin" else running - {key}
        most = max(most, len(running))
    return most


def _work(stack, invoke, over, seconds=60, runners=6):
    """Poll the queues with several pollers at once until `over()`."""
    stop = threading.Event()

    def loop(mapping):
        while not stop.is_set():
            if not event_source.poll(mapping, invoke):
                stop.wait(0.01)

    with ThreadPoolExecutor(runners + 2) as pool:
        for mapping in stack.resources.mappings:
            for _ in range(runners if mapping.function == "runner" else 2):
                pool.submit(loop, mapping)
        try:
            wait_until(over, seconds)
        finally:
            stop.set()


def _run(message_id, job):
    return details.run(ids.run_id(message_id, job))


def match_event(*message_ids, received=1):
    return sqs_event("message_id", *message_ids, received=received, MessageGroupId="inbox-a")


def group_ids(received):
    return sorted(message["Attributes"]["MessageGroupId"] for message in received["Messages"])


def _all_over(message_ids):
    def over():
        runs = {message_id: _run(message_id, "job-a") for message_id in message_ids}
        if not all(run and run.status.has_ended for run in runs.values()):
            return False
        successful = [id_ for id_, run in runs.items() if run.status == RunStatus.SUCCEEDED]
        following = [_run(message_id, "job-b") for message_id in successful]
        return all(run and run.status.has_ended for run in following)

    return over


def test_visits_of_a_case_run_in_order_and_cases_run_concurrently(ordered):
    stack, destination = ordered
    message_ids = [visit(stack, case, n) for n in range(VISITS) for case in CASES]
    _work(stack, stack.invoke, _all_over(message_ids))
    for case in CASES:
        assert _in_order(_reports(destination, "a")[case], range(VISITS))
    assert _most_at_once(destination) > 1


def test_following_runs_keep_the_order(ordered):
    stack, destination = ordered
    message_ids = [visit(stack, case, n) for n in range(VISITS) for case in CASES]
    _work(stack, stack.invoke, _all_over(message_ids))
    for case in CASES:
        assert _in_order(_reports(destination, "b")[case], [n for n in range(VISITS) if n % 7 != 3])


@pytest.mark.parametrize("seed", range(1))
def test_order_holds_if_ids_are_delivered_again_and_pollers_die(ordered, seed):
    stack, destination = ordered
    dice, lock = random.Random(seed), threading.Lock()
    for mapping in stack.resources.mappings:
        stack_client.change_queue(mapping.queue_url, hidden_seconds=1)

    def invoke(function, event):
        with lock:
            before, after = dice.random() < 0.04, dice.random() < 0.08
        if before:
            raise ConnectionError("the poller died before the function was invoked")
        response = stack.invoke(function, event)
        if after:
            raise ConnectionError("the poller died before it could delete what it received")
        return response

    message_ids = [visit(stack, case, n) for n in range(VISITS) for case in CASES]
    for message_id in message_ids[::5]:  # some are queued twice
        aws.send(Setting.MATCH_QUEUE_URL, [(json.dumps({"message_id": message_id}), "inbox-a")])
    _work(stack, invoke, _all_over(message_ids))
    for case in CASES:
        assert _in_order(_reports(destination, "a")[case], range(VISITS))
        assert _in_order(_reports(destination, "b")[case], [n for n in range(VISITS) if n % 7 != 3])
    assert all(_run(message_id, "job-a").attempt == 1 for message_id in message_ids)


def test_message_without_the_order_value_does_not_wait(ordered):
    stack, _ = ordered
    first = post(stack, '{"n": 1}')["headers"]["X-Message-Id"]
    stack.invoke("matcher", match_event(first))
    plan = runs.load(ids.run_id(first, "job-a")).plan
    assert plan.order is None
    assert dispatch.group_of(plan) == plan.id


def test_later_messages_of_a_group_wait_behind_a_failed_one(ordered):
    stack, _ = ordered
    before, gone, behind = visit(stack, "a", 1), ids.new_message_id(), visit(stack, "a", 2)
    response = stack.invoke("matcher", match_event(before, gone, behind))
    assert failed_ids(response) == [
        gone,
        behind,
    ]
    assert details.run(ids.run_id(before, "job-a")) is not None
    assert details.run(ids.run_id(behind, "job-a")) is None


def test_only_the_failed_message_goes_to_the_dead_letter_queue(ordered):
    stack, _ = ordered
    gone, behind = ids.new_message_id(), visit(stack, "a", 2)
    response = stack.invoke("matcher", match_event(gone, behind, received=sqs_batch.MATCH_RECEIVES))
    assert failed_ids(response) == [gone]
    assert details.run(ids.run_id(behind, "job-a")) is not None


def test_ids_of_other_groups_do_not_wait():
    done, failed = [], []

    def work(identifier):
        if identifier == "bad":
            raise ValueError(identifier)
        done.append(identifier)

    queued = [QueuedId(i, g) for i, g in (("1", "a"), ("bad", "a"), ("2", "b"), ("3", "a"))]
    errors = sqs_batch.process_in_order(
        queued, work, lambda queued, _error: failed.append(queued.id)
    )
    assert (done, failed) == (["1", "2"], ["bad"])
    assert isinstance(errors["3"], GroupBlocked)


def test_messages_without_order_are_matched_concurrently(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    message_ids = {post(stack, "{}")["headers"]["X-Message-Id"] for _ in range(3)}
    response = stack_client.client("sqs").receive_message(
        QueueUrl=stack.resources.functions["inbox"].environment["MATCH_QUEUE_URL"],
        MaxNumberOfMessages=10,
        AttributeNames=["All"],
    )
    assert group_ids(response) == sorted(message_ids)


def test_id_that_is_queued_again_is_delivered_again(create_job_stack):
    create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    for _ in range(3):
        assert aws.send(Setting.MATCH_QUEUE_URL, [("again", "group")]) == {}
    sqs, url = stack_client.client("sqs"), aws.setting(Setting.MATCH_QUEUE_URL)
    response = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    assert len(response["Messages"]) == 3


def _refusing(*numbers):
    """Let SQS refuse the entries with these bodies."""

    def refuse(parsed, **_):
        entries = parsed.get("Successful", [])
        parsed["Failed"] = [e for e in entries if e["MD5OfMessageBody"] in refused]
        for entry in parsed["Failed"]:
            entry["Code"] = "InternalError"

    refused = {hashlib.md5(number.encode()).hexdigest() for number in numbers}
    return hook_aws_call("after-call.sqs.SendMessageBatch", refuse)


def test_nothing_of_a_group_is_sent_after_a_refused_entry(create_job_stack):
    create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    texts = [
        ("1", "a"),
        ("2", "a"),
        ("3", "a"),
        ("4", "b"),
        ("5", "a"),
        *((f"x{n}", f"g{n}") for n in range(30)),
    ]
    with _refusing("2"):
        assert sorted(aws.send(Setting.RUN_QUEUE_URL, texts)) == ["2", "3", "5"]


def test_unavailable_queue_is_called_once_and_refuses_all(create_job_stack):
    create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    calls = []

    def fail(**_):
        calls.append(1)
        if len(calls) > 1:
            raise EndpointConnectionError(endpoint_url="https://sqs")

    texts = [(str(n), f"g{n}") for n in range(45)]
    with hook_aws_call("before-call.sqs.SendMessageBatch", fail):
        refused = aws.send(Setting.RUN_QUEUE_URL, texts)
    assert sorted(map(int, refused)) == list(range(10, 45))
    assert len(calls) == 2


def test_messages_queued_late_keep_the_group_of_their_inbox(ordered):
    stack, _ = ordered
    with without_queue(stack, "MATCH_QUEUE_URL"):
        for number in range(3):
            visit(stack, "a", number)
    stack.tick()
    url = aws.setting(Setting.MATCH_QUEUE_URL)
    sqs = stack_client.client("sqs")
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    assert group_ids(received) == ["inbox-a"] * 3


def _matched_in_order(destination):
    return [request.json["n"] for request in destination.received if "begin/a" in request.path]


def _late(stack, *numbers, case="a", **options):
    """Post visits while the match queue does not exist."""
    with without_queue(stack, "MATCH_QUEUE_URL"):
        return [visit(stack, case, number, **options) for number in numbers]


def _late_ids():
    return [item["sk"] for item in attention.query(Attention.UNQUEUED)]


def _mark_as_earlier_releases(message_ids):
    # DynamoDB does not sort items of the same time: here the newest was marked first.
    for second, message_id in enumerate(reversed(message_ids)):
        table.update(ids.key_of(message_id), attention.mark(Attention.UNQUEUED, second))


def test_messages_queued_late_are_matched_in_the_order_of_their_ids(ordered):
    stack, destination = ordered
    _mark_as_earlier_releases(_late(stack, 1, 2, 4, 5))
    stack.tick()
    stack.drain()
    assert _matched_in_order(destination) == [1, 2, 4, 5]
    assert _late_ids() == []


def test_no_message_passes_one_that_an_earlier_release_marked(ordered):
    stack, destination = ordered
    _mark_as_earlier_releases(_late(stack, 1, 2))
    visit(stack, "a", 4)
    stack.drain()
    assert _matched_in_order(destination) == [1, 2, 4]
    assert _late_ids() == []


def test_no_message_passes_an_earlier_one_that_is_still_to_be_queued(ordered):
    stack, destination = ordered
    _late(stack, 1, 2)
    visit(stack, "a", 4)
    stack.drain()
    assert _matched_in_order(destination) == [1, 2, 4]
    assert _late_ids() == []
    stack.tick()
    stack.drain()
    assert _matched_in_order(destination) == [1, 2, 4]


def test_no_message_passes_an_earlier_one_that_the_tick_has_queued_behind_it(ordered):
    stack, destination = ordered
    _late(stack, 1, 2)
    visit(stack, "a", 4)
    stack.tick()
    stack.drain()
    assert _matched_in_order(destination) == [1, 2, 4]
    assert _late_ids() == []


def test_expired_late_message_blocks_no_later_one(ordered):
    stack, destination = ordered
    (message_id,) = _late(stack, 1)
    table.update(ids.key_of(message_id), {"expires": 1})
    later = visit(stack, "a", 2)
    stack.invoke("matcher", match_event(later))
    assert _late_ids() == []
    stack.invoke("matcher", match_event(later))
    stack.drain()
    assert _matched_in_order(destination) == [2]


def test_late_message_that_cannot_be_matched_blocks_no_later_one(ordered):
    stack, destination = ordered
    (message_id,) = _late(stack, 1)
    table.update(ids.key_of(message_id), {"request": "{"})
    later = visit(stack, "a", 2)
    assert failed_ids(stack.invoke("matcher", match_event(later))) == [later]
    assert _late_ids() == []
    assert failed_ids(stack.invoke("matcher", match_event(later))) == []
    stack.drain()
    assert _matched_in_order(destination) == [2]


def test_late_message_stays_marked_while_the_run_queue_refuses_its_run(ordered):
    stack, destination = ordered
    _late(stack, 1)
    later = visit(stack, "a", 2)
    with without_queue(stack, "RUN_QUEUE_URL"):
        response = stack.invoke("matcher", match_event(later))
    assert failed_ids(response) == [later]
    assert len(_late_ids()) == 1
    stack.drain()
    assert _matched_in_order(destination) == [1, 2]


def test_inbox_without_order_is_matched_without_a_query(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    message_id = post(stack, "{}")["headers"]["X-Message-Id"]
    queries = []
    with hook_aws_call("before-call.dynamodb.Query", lambda **_: queries.append(1)):
        stack.invoke("matcher", match_event(message_id))
    assert queries == []
