"""Batches of ids from a queue."""

from __future__ import annotations

import json

import pytest

from openfn.storage import sqs_batch


def record(number, identifier, receives):
    attributes = {"ApproximateReceiveCount": str(receives), "MessageGroupId": "g"}
    body = json.dumps({"message_id": identifier})
    return {
        "messageId": str(number),
        "receiptHandle": "r",
        "body": body,
        "attributes": attributes,
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


@pytest.mark.parametrize("receives", [(20, 1), (1, 20)])
def test_last_receive_of_an_id_that_is_twice_in_a_batch_is_not_lost(receives):
    ids = ("bad", "bad", "good")
    counts = (*receives, 1)
    records = [record(n, *pair) for n, pair in enumerate(zip(ids, counts, strict=True))]
    processed = []

    def work(identifier):
        processed.append(identifier)
        if identifier == "bad":
            raise ValueError

    def work_on_batch(received):
        return sqs_batch.process_in_order(received, work, lambda *_: None)

    response = sqs_batch.process({"Records": records}, "message_id", work_on_batch)
    assert processed == ["bad", "good"]
    failed = [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
    assert failed == ["0", "1"]
