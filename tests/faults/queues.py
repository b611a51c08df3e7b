"""What lies in the queues, and in the dead-letter queues behind them."""

from __future__ import annotations

from uuid import uuid4

from workbench.local.resources import client


def waiting(physical_ids, suffix):
    """Give the number of ids in both queues (`Queue`), or behind them (`DeadLetters`)."""
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    total = 0
    for name in (f"Match{suffix}", f"Run{suffix}"):
        answer = client("sqs").get_queue_attributes(
            QueueUrl=physical_ids[name], AttributeNames=counts
        )
        total += sum(map(int, answer["Attributes"].values()))
    return total


def redrive(physical_ids):
    """Put what is in the dead-letter queues back."""
    sqs = client("sqs")
    for name in ("Match", "Run"):
        queue, dead = physical_ids[f"{name}Queue"], physical_ids[f"{name}DeadLetters"]
        while letters := sqs.receive_message(
            QueueUrl=dead, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for each in letters:
                sqs.send_message(
                    QueueUrl=queue,
                    MessageBody=each["Body"],
                    MessageGroupId=each["Attributes"]["MessageGroupId"],
                    MessageDeduplicationId=uuid4().hex,
                )
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=each["ReceiptHandle"])


def purge(physical_ids):
    """Empty them all."""
    for name in ("MatchQueue", "RunQueue", "MatchDeadLetters", "RunDeadLetters"):
        client("sqs").purge_queue(QueueUrl=physical_ids[name])
