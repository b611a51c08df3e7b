"""The messages that the inbox has stored, by its responses."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress

from openfn.messages import bodies
from openfn.messages import store as messages
from openfn.storage import aws
from tests.support import stack_client


def message_id_of(response):
    """Return the message id in a response of the inbox function or of its URL."""
    headers = response["headers"] if isinstance(response, dict) else response.headers
    return headers["X-Message-Id"]


def stored_message(response):
    """Return the message that a response acknowledges."""
    message_id = message_id_of(response)
    return messages.read([message_id])[message_id]


def parsed_body(response):
    """Return the body of the message that a response acknowledges, as a job would see it."""
    message = stored_message(response)
    return bodies.parse(message.body, message.headers)


def everything(stack):
    """Return everything stored in the table and the bucket, as one text."""
    ids = stack.resources.physical_ids
    objects = [aws.get_object(key) for key in stack_client.object_keys(ids["Bucket"])]
    items = stack_client.client("dynamodb").scan(TableName=ids["Table"])["Items"]
    return json.dumps(items, default=readable) + str(objects)


def readable(value):
    """Return a stored value as text, decompressed."""
    content = getattr(value, "value", value)
    with suppress(zlib.error, TypeError):
        content = zlib.decompress(content)
    return content.decode("latin-1") if isinstance(content, bytes) else str(content)
