"""The messages that the inbox has stored, by its responses."""

from __future__ import annotations

from openfn.messages import bodies
from openfn.messages import store as messages


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
