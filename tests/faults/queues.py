"""Count, redrive and purge the queues of the stack and their dead-letter queues."""

from __future__ import annotations

from uuid import uuid4

from tests.support.stack_client import client


def count(physical_ids, suffix):
    """Count the ids in both queues (`Queue`) or dead-letter queues (`DeadLetters`)."""
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    total = 0
    for name in (f"Match{suffix}", f"Run{suffix}"):
        response = client("sqs").get_queue_attributes(
            QueueUrl=physical_ids[name], AttributeNames=counts
        )
        total += sum(map(int, response["Attributes"].values()))
    return total


def redrive(physical_ids):
    """Move all dead letters back to their queues."""
    sqs = client("sqs")
    for name in ("Match", "Run"):
        queue, dead_letter_queue = physical_ids[f"{name}Queue"], physical_ids[f"{name}DeadLetters"]
        while dead_letters := sqs.receive_message(
            QueueUrl=dead_letter_queue, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for dead_letter in dead_letters:
                sqs.send_message(
                    QueueUrl=queue,
                    MessageBody=dead_letter["Body"],
                    MessageGroupId=dead_letter["Attributes"]["MessageGroupId"],
                    MessageDeduplicationId=uuid4().hex,
                )
                sqs.delete_message(
                    QueueUrl=dead_letter_queue, ReceiptHandle=dead_letter["ReceiptHandle"]
                )


def purge(physical_ids):
    """Purge all queues and dead-letter queues."""
    for name in ("MatchQueue", "RunQueue", "MatchDeadLetters", "RunDeadLetters"):
        client("sqs").purge_queue(QueueUrl=physical_ids[name])
