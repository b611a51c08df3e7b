"""Events as SQS delivers them to a function, and the failed ids of its response."""

from __future__ import annotations

import json


def sqs_event(name, *ids, received=1, **attributes):
    """Return an event with one record for each id; `name` is the id's key in the body."""
    attributes = {"ApproximateReceiveCount": str(received), **attributes}
    records = [
        {
            "messageId": identifier,
            "body": json.dumps({name: identifier}),
            "attributes": attributes,
            "eventSource": "aws:sqs",
        }
        for identifier in ids
    ]
    return {"Records": records}


def failed_ids(response):
    """Return the ids of the records that stay on the queue."""
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
