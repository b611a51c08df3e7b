"""POST /inbox/{id}: keep the message, queue its id, answer 200 {}.

What a source sees: exactly 200 and `{}` once the message is durable, 503 when we are in trouble
(the only status KoboToolbox re-sends on), 400 for a body that cannot be read, whose bytes are
kept all the same.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from openfn import aws, bodies, ids, messages, project
from openfn.errors import UnreadableBody, place
from openfn.messages import Message

Answer = dict[str, Any]

# Lambda takes a request of 6 MB, in which API Gateway sends a body that is not text as base64.
_MAX_BYTES = 6_000_000
# Secrets are not kept, nor what API Gateway adds for itself.
_UNKEPT_HEADERS = {
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "content-length",
    "forwarded",
    "via",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
}
_logger = Logger(service="inbox", location=None)
# The clients of every request are made during INIT, where a function has a whole processor.
aws.client("dynamodb")
aws.client("sqs")


def lambda_handler(event: dict[str, Any], _context: object) -> Answer:
    """Answer one request of the HTTP API (payload format 2.0)."""
    metrics = EphemeralMetrics(service="inbox")
    try:
        answer = _answer(event)
    except Exception as error:
        _logger.error("message not kept", extra=place(error))
        answer = _say(503, {"error": "not kept: send it again in a moment"}, {"Retry-After": "5"})
    metrics.add_metric(f"Answers{answer['statusCode']}", MetricUnit.Count, 1)
    metrics.flush_metrics()
    return answer


def _answer(event: dict[str, Any]) -> Answer:
    inbox_id = event["pathParameters"]["id"].strip("/")
    inbox = project.current().inbox_of(inbox_id)
    if inbox is None:
        _logger.warning("message refused", extra={"reason": "unknown inbox"})
        return _say(404, {"error": "there is no such inbox: check the URL, it ends in a secret id"})
    if event["requestContext"]["http"]["method"] != "POST":
        return _say(200, {})
    body = _body(event)
    if len(body) > _MAX_BYTES:
        _logger.warning("message refused", extra={"reason": "too large", "inbox": inbox})
        return _say(413, {"error": f"the body has {len(body)} bytes; {_MAX_BYTES} are the most"})
    return _receive(_message(event, inbox, body))


def _receive(message: Message) -> Answer:
    about: dict[str, Any] = {
        "message_id": message.id,
        "inbox": message.inbox,
        "size": len(message.body),
    }
    try:
        bodies.parse_exact(message.body)
    except UnreadableBody as error:
        new = messages.keep_unreadable(message, str(error))
        _logger.warning("message unreadable", extra={**about, "kept": "now" if new else "before"})
        return _say(400, {"error": str(error)})
    messages.keep(message)
    if not messages.queue(message.id):
        about["queued"] = "at the next tick"
    _logger.info("message kept", extra=about)
    return _say(200, {}, {"X-Message-Id": message.id})


def _message(event: dict[str, Any], inbox: str, body: bytes) -> Message:
    pairs = parse_qs(event.get("rawQueryString", ""), keep_blank_values=True)
    return Message(
        id=ids.new_message_id(),
        inbox=inbox,
        body=body,
        method=event["requestContext"]["http"]["method"],
        headers={
            name: value
            for name, value in event.get("headers", {}).items()
            if name.lower() not in _UNKEPT_HEADERS
        },
        query_params={name: each[0] if len(each) == 1 else each for name, each in pairs.items()},
    )


def _body(event: dict[str, Any]) -> bytes:
    text: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(text)
    return text.encode("utf-8", "surrogatepass")


def _say(status: int, content: Answer, headers: dict[str, str] | None = None) -> Answer:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "body": json.dumps(content),
    }
