"""The runner executes a claimed run once and records its outcome."""

from __future__ import annotations

import dataclasses
import json
import random
from contextlib import contextmanager

import pytest

from openfn import ids
from openfn.errors import JobError, NotClaimed, NotFound
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.runs import outcomes, unexpected_errors
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.runs.outcomes import Outcome
from openfn.storage import boto3_services, table
from openfn.storage.attention import Attention
from tests.conftest import post
from tests.support import stack_client
from tests.support.sqs import failed_ids, sqs_event
from workbench.local import lambda_functions

UNKNOWN = "0197c000-0000-7000-8000-000000000000#job-a"


def _run(stack, body='{"name": "Amina"}'):
    """Post a message, drain the queues, and return the record of its run."""
    message_id = post(stack, body)["headers"]["X-Message-Id"]
    stack.drain()
    return details.run(ids.run_id(message_id, "job-a"))


def _created(stack):
    """Return the id of a run that is created but not executed."""
    message_id = post(stack, "{}")["headers"]["X-Message-Id"]
    return _create(message_id)


def _create(message_id, job="job-a"):
    plan = Plan(message_id, job, "all")
    runs.create([plan], "version")
    return plan.id


def test_successful_run_stores_final_state_log_and_duration(create_job_stack):
    stack = create_job_stack(
        """
        from adaptors.common import fn

        def greet(state):
            print("hello", state["data"]["name"])
            print("twice")
            return {**state, "greeted": True, "data": {"weight": 7.25, "none": None}}

        fn(greet)
        """
    )
    record = _run(stack)
    assert record.status == "succeeded"
    assert record.trigger == "all"
    assert record.log == "hello Amina\ntwice\n"
    assert record.duration_ms >= 0
    assert record.attempt == 1
    assert len(record.project_version) == 64
    assert record.final["data"] == {"weight": 7.25, "none": None}
    assert record.final["greeted"] is True
    assert record.final["request"]["query_params"]["app_id"] == "6f1d5a0c"
    assert "configuration" not in record.final


def test_failed_run_stores_its_error_with_operation_and_line(create_job_stack, log_lines):
    stack = create_job_stack(
        """
        from adaptors.common import fn

        def age(state):
            print("reading the age")
            return {**state, "age": int(state["data"]["name"])}

        fn(lambda state: state)
        fn(age)
        """
    )
    record = _run(stack)
    assert record.status == "failed"
    assert record.error == {
        "type": "ValueError",
        "message": "invalid literal for int() with base 10: 'Amina'",
        "operation": "fn",
        "line": 6,
        "verdict": "author",
    }
    assert record.log == "reading the age\n"
    assert record.final is None
    (event,) = log_lines.events(LogEvent.RUN_FAILED)
    assert (event["error"], event["line"], event["verdict"]) == ("ValueError", 6, "author")
    assert "Amina" not in json.dumps(log_lines)


def test_failed_run_is_in_the_attention_index(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: 1 / 0)\n")
    record = _run(stack)
    response = stack_client.client("dynamodb").query(
        TableName=stack.resources.physical_ids["Table"],
        IndexName="attention",
        KeyConditionExpression="attention = :failed",
        ExpressionAttributeValues={":failed": {"S": "failed"}},
    )
    assert [item["sk"]["S"] for item in response["Items"]] == [record.id]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (
            "import sys\nfrom adaptors.common import fn\nfn(lambda s: sys.exit(3))\n",
            "SystemExit",
            "3",
        ),
        ("from adaptors.common import fn\nfn(lambda state: None)\n", "TypeError", "return state"),
        ("from adaptors.http import get\nget('x')\n", "ConfigurationError", "baseUrl"),
    ],
)
def test_exit_wrong_result_and_adaptor_error_are_failed_runs(create_job_stack, code, kind, words):
    record = _run(create_job_stack(code))
    assert record.status == "failed"
    assert record.error["type"] == kind
    assert words in record.error["message"]


def test_missing_secret_error_names_the_secret_to_create(create_job_stack):
    stack = create_job_stack("from adaptors.http import get\nget('x')\n", credential="secret-a")
    record = _run(stack)
    assert record.error["type"] == "ProjectError"
    assert "'openfn/credentials/secret-a'" in record.error["message"]


@pytest.mark.parametrize(
    "secret",
    ["hunter2", "[" * 60_000 + "hunter2", f'{{"pin": {"9" * 5000}, "a": "hunter2"}}'],
    ids=["text", "nested", "number"],
)
def test_invalid_secret_error_does_not_contain_the_secret(create_job_stack, secret):
    stack = create_job_stack("from adaptors.http import get\nget('x')\n", credential="secret-a")
    client = stack_client.client("secretsmanager")
    client.create_secret(Name="openfn/credentials/secret-a", SecretString=secret)
    record = _run(stack)
    assert "not a JSON object" in record.error["message"]
    assert "hunter2" not in json.dumps(record.error)


def test_credential_becomes_the_configuration_and_is_not_stored(create_job_stack):
    code = """
    from adaptors.common import fn
    fn(lambda state: {**state, "user": state["configuration"]["username"]})
    """
    stack = create_job_stack(code, credential="secret-a")
    stack.set_credential("secret-a", {"username": "amina", "password": "s3cr3t"})
    record = _run(stack)
    assert record.final["user"] == "amina"
    assert "s3cr3t" not in json.dumps(record.final)


def test_large_final_state_is_stored_completely_and_a_large_log_is_shortened(create_job_stack):
    stack = create_job_stack(
        """
        import random
        from adaptors.common import fn

        def grow(state):
            text = random.Random(1).randbytes(600_000).hex()
            print(text)
            return {**state, "text": text}

        fn(grow)
        """
    )
    record = _run(stack)
    assert len(record.final["text"]) == 1_200_000
    text = record.final["text"]
    assert record.log == f"{text[:500_000]}\n… 200,001 bytes left out …\n{text[-499_999:]}\n"


def test_run_that_has_ended_is_not_executed_again(create_job_stack, log_lines):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    record = _run(stack)
    assert stack.invoke("runner", sqs_event("run_id", record.id))["batchItemFailures"] == []
    assert details.run(record.id).attempt == 1
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1


def test_run_claimed_by_another_runner_stays_on_the_queue(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id = _created(stack)
    assert runs.claim(run_id, 60).attempt == 1
    assert len(stack.invoke("runner", sqs_event("run_id", run_id))["batchItemFailures"]) == 1
    assert details.run(run_id).status == "running"


def test_run_whose_runner_died_is_executed_after_its_lease(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id = _created(stack)
    runs.claim(run_id, -5)
    assert stack.invoke("runner", sqs_event("run_id", run_id))["batchItemFailures"] == []
    record = details.run(run_id)
    assert (record.status, record.attempt) == ("succeeded", 2)


def test_runner_that_lost_its_claim_cannot_record_an_outcome(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id = _created(stack)
    lost = runs.claim(run_id, -5)
    held = runs.claim(run_id, 60)
    with pytest.raises(NotClaimed):
        outcomes.finish(lost, Outcome("", 1, final=b"{}"))
    outcomes.finish(held, Outcome("", 1, error=JobError("E", "m", "o", 1)))
    assert details.run(run_id).status == "failed"
    with pytest.raises(NotClaimed):
        outcomes.finish(held, Outcome("", 1, final=b"{}"))


@contextmanager
def _answers_lost(operation):
    """Lose the response to the first try of a call, so that botocore retries."""
    hooks, event = (
        boto3_services.client("dynamodb").meta.events,
        f"needs-retry.dynamodb.{operation}",
    )
    hooks.register_first(event, _once_more)
    try:
        yield
    finally:
        hooks.unregister(event, _once_more)


def _once_more(attempts, **_):
    return 0 if attempts == 1 else None


@pytest.mark.moto
def test_run_is_executed_once_if_first_responses_are_lost(create_job_stack, log_lines):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id = _created(stack)
    with _answers_lost("UpdateItem"):
        assert stack.invoke("runner", sqs_event("run_id", run_id))["batchItemFailures"] == []
    record = details.run(run_id)
    assert (record.status, record.attempt) == ("succeeded", 1)
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1


@pytest.mark.moto
def test_message_is_accepted_if_the_first_response_is_lost(create_job_stack, log_lines):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    with _answers_lost("PutItem"):
        assert post(stack, "{}")["statusCode"] == 200
        stack.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1


def test_unknown_run_cannot_be_claimed(create_job_stack):
    create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    with pytest.raises(NotFound):
        runs.claim(ids.run_id(ids.new_message_id(), "job-a"), 60)


def test_run_of_a_removed_job_fails_with_the_reason(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    message_id = post(stack, "{}")["headers"]["X-Message-Id"]
    run_id = _create(message_id, "job-of-old")
    stack.invoke("runner", sqs_event("run_id", run_id))
    assert "no job job-of-old" in details.run(run_id).error["message"]


def test_no_run_begins_in_the_last_seconds_of_an_invocation(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id = _created(stack)
    hurried = dataclasses.replace(stack.resources.functions["runner"], timeout_seconds=5)
    answer = lambda_functions.invoke(hurried, sqs_event("run_id", run_id), stack.on_log_line)
    assert len(answer["batchItemFailures"]) == 1
    assert details.run(run_id).status == "queued"


def test_runs_share_no_module_state(create_job_stack):
    stack = create_job_stack(
        """
        from adaptors.common import fn
        SEEN = []

        def remember(state):
            SEEN.append(state["data"]["name"])
            return {**state, "seen": list(SEEN)}

        fn(remember)
        """
    )
    assert _run(stack, '{"name": "Amina"}').final["seen"] == ["Amina"]
    assert _run(stack, '{"name": "Kofi"}').final["seen"] == ["Kofi"]


@pytest.mark.parametrize(
    "code",
    [
        "print(state['data']['name'])",
        "raise ValueError(state['data']['name'])",
        "raise ValueError('x' * 500_000)",
        "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()",
        "return {**state, 'odd': type('Odd', (), {'__str__': lambda self: 1 / 0})()}",
        "import asyncio; raise asyncio.CancelledError('x')",
    ],
)
def test_outcome_is_recorded_once_for_unusual_errors_and_states(create_job_stack, code, log_lines):
    job = (
        f"from adaptors.common import fn\ndef odd(state):\n    {code}\n    return state\nfn(odd)\n"
    )
    record = _run(create_job_stack(job), '{"name": "half an emoji \\ud83d"}')
    assert record.status in ("succeeded", "failed")
    assert len(json.dumps(record.error)) < 20_000
    assert (
        len(log_lines.events(LogEvent.RUN_SUCCEEDED)) + len(log_lines.events(LogEvent.RUN_FAILED))
        == 1
    )


def test_run_without_its_message_body_fails_with_the_reason(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    noise = random.Random(1).randbytes(600_000).hex()
    message_id = post(stack, json.dumps({"noise": noise}))["headers"]["X-Message-Id"]
    run_id = _create(message_id)
    bucket = stack.resources.physical_ids["Bucket"]
    stack_client.client("s3").delete_object(Bucket=bucket, Key=f"messages/{message_id}/body")
    assert stack.invoke("runner", sqs_event("run_id", run_id))["batchItemFailures"] == []
    assert "deleted from the bucket" in details.run(run_id).error["message"]


def test_log_and_error_contain_no_secret_of_the_credential(create_job_stack):
    code = """
    import base64
    from adaptors.common import fn

    def tell(state):
        secret = state["configuration"]["password"]
        print("sending", secret, base64.b64encode(f"amina:{secret}".encode()).decode())
        raise ValueError(f"refused {secret}")

    fn(tell)
    """
    stack = create_job_stack(code, credential="secret-a")
    stack.set_credential("secret-a", {"username": "amina", "password": "hunter2-hunter2"})
    record = _run(stack)
    assert record.log == "sending *** ***\n"
    assert record.error["message"] == "refused ***"


def test_expired_run_is_not_executed(create_job_stack, log_lines):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id = _created(stack)
    table.update(ids.key_of(run_id), {"expires": 1})
    assert failed_ids(stack.invoke("runner", sqs_event("run_id", run_id))) == []
    assert details.run(run_id).status == "queued"
    (event,) = log_lines.events(LogEvent.RUN_NOT_EXECUTED)
    assert (event["run_id"], event["error"]) == (run_id, "NotFound")


@pytest.mark.parametrize("run_id", [UNKNOWN, "no id", ""])
def test_id_without_a_run_does_not_block_its_group(create_job_stack, log_lines, run_id):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    behind = _created(stack)
    event = sqs_event("run_id", run_id, behind, MessageGroupId="job-a#c")
    assert failed_ids(stack.invoke("runner", event)) == []
    assert details.run(behind).status == "succeeded"
    assert len(log_lines.events(LogEvent.RUN_NOT_EXECUTED)) == 1


def test_run_whose_results_can_never_be_published_fails_after_twenty_errors(
    create_job_stack, log_lines
):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    run_id, behind = _created(stack), _created(stack)
    outcomes.finish(runs.claim(run_id, 60), Outcome("", 1, final=b"{}", emitted=b"no JSON"))
    event = sqs_event("run_id", run_id, behind, MessageGroupId="job-a#c")
    for _ in range(unexpected_errors.MAX_ERRORS - 1):
        assert failed_ids(stack.invoke("runner", event)) == [run_id, behind]
    assert failed_ids(stack.invoke("runner", event)) == []
    record = details.run(run_id)
    assert (record.status, record.error["type"]) == ("failed", "JSONDecodeError")
    assert details.run(behind).status == "succeeded"
    assert [event["run_id"] for event in log_lines.events(LogEvent.RUN_FAILED)] == [run_id]
    (page,) = runs.flagged(Attention.FAILED)
    assert [run.id for run in page] == [run_id]
