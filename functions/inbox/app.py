"""POST /inbox/{id}: store the message, queue its id, respond 200 {}.

A source receives exactly 200 and `{}` once the message is stored durably, and 503 if we fail
(KoboToolbox retries after a 503, but not after a 500). A body that cannot be parsed is stored, too,
and answered 400.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from aws_lambda_powertools import Logger

from openfn import ids, metrics
from openfn.errors import UnreadableBody, log_fields
from openfn.log_events import LogEvent
from openfn.messages import bodies
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.project import inboxes
from openfn.project.inboxes import Inbox
from openfn.storage import services
from openfn.storage.redaction import is_secret_name

Response = dict[str, Any]

# Lambda accepts requests of 6 MB, in which API Gateway encodes binary bodies as base64.
_MAX_BYTES = 6_000_000
# Salesforce repeats an outbound message for a day unless it receives this response.
_SALESFORCE_NAMESPACE = b"http://soap.sforce.com/2005/09/outbound"
_SALESFORCE_ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
# API Gateway adds these headers; they say nothing about the message.
_GATEWAY_HEADERS = {
    "content-length",
    "forwarded",
    "via",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
}
_logger = Logger(service="inbox", location=None, xray_trace_id=None, use_rfc3339=True)
# Create the clients during INIT, when the function has a full CPU.
services.prepare("dynamodb", "sqs")


def lambda_handler(event: dict[str, Any], _context: object) -> Response:
    """Answer a request of the HTTP API (payload format 2.0)."""
    try:
        response = _handle(event)
    except Exception as error:
        _logger.error(LogEvent.MESSAGE_NOT_STORED, extra=log_fields(error))
        text = "The message was not stored. Send it again in a moment."
        response = _respond(503, {"error": text}, {"Retry-After": "5"})
    metrics.write("inbox", {metrics.for_response(response["statusCode"]): 1})
    return response


def _handle(event: dict[str, Any]) -> Response:
    inbox_id = event["pathParameters"]["id"].strip("/")
    inbox = project.current().inbox_by_id(inbox_id)
    if inbox is None:
        return _reject(404, "No inbox has this URL. Check its end, which is a secret id.")
    body = _decode_body(event)
    limit = inbox.max_bytes or _MAX_BYTES
    if len(body) > limit:
        return _reject(413, f"The body has {len(body)} bytes. The limit is {limit}.", inbox)
    if not inboxes.is_authorized(inbox, _headers(event), body, time.time()):
        headers = {"WWW-Authenticate": inboxes.challenge(inbox)}
        return _reject(401, "The credentials for this inbox are missing or wrong.", inbox, headers)
    if event["requestContext"]["http"]["method"] != "POST":
        return _respond(200, {})
    return _store(inbox, _parse_message(event, inbox, body))


def _store(inbox: Inbox, message: Message) -> Response:
    try:
        body = bodies.parse_exact(message.body, message.headers)
    except UnreadableBody as error:
        return _store_unreadable(inbox, message, str(error))
    message_id = messages.store(message, inboxes.dedupe_key(inbox, body))
    # A repeated message is queued again, because its first post may have stopped between the two
    # calls. Its runs are created once.
    is_queued = messages.queue(message_id, inbox.group)
    extra = {} if is_queued else {"queued": "at the next tick"}
    _log_stored(LogEvent.MESSAGE_STORED, message, message_id, extra)
    return _accept(message_id, message.body)


def _store_unreadable(inbox: Inbox, message: Message, reason: str) -> Response:
    dedupe_key = inboxes.content_dedupe_key(inbox, message.body)
    message_id = messages.store(message, dedupe_key, unreadable=reason)
    _log_stored(LogEvent.MESSAGE_UNREADABLE, message, message_id, {})
    return _respond(400, {"error": reason}, {"X-Message-Id": message_id})


def _log_stored(event: LogEvent, message: Message, message_id: str, extra: dict[str, str]) -> None:
    repeated = {} if message_id == message.id else {"kept": "before"}
    stored = {"message_id": message_id, "inbox": message.inbox, "size": len(message.body)}
    _logger.info(event, extra={**stored, **extra, **repeated})


def _accept(message_id: str, body: bytes) -> Response:
    response = _respond(200, {}, {"X-Message-Id": message_id})
    if _SALESFORCE_NAMESPACE in body:
        response["headers"]["Content-Type"] = "text/xml; charset=utf-8"
        response["body"] = _SALESFORCE_ACK
    return response


def _reject(
    status: int, reason: str, inbox: Inbox | None = None, headers: dict[str, str] | None = None
) -> Response:
    name = {"inbox": inbox.name} if inbox else {}
    _logger.warning(LogEvent.MESSAGE_REFUSED, extra={"status": status, **name})
    return _respond(status, {"error": reason}, headers)


def _parse_message(event: dict[str, Any], inbox: Inbox, body: bytes) -> Message:
    dropped = _GATEWAY_HEADERS | {auth.header for auth in inbox.auth}
    return Message(
        id=ids.new_message_id(),
        inbox=inbox.name,
        body=body,
        method=event["requestContext"]["http"]["method"],
        headers={
            name: value
            for name, value in _headers(event).items()
            if name not in dropped and not is_secret_name(name)
        },
        query_params=messages.parse_query(event.get("rawQueryString", "")),
    )


def _headers(event: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in event.get("headers", {}).items()}


def _decode_body(event: dict[str, Any]) -> bytes:
    text: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(text)
    return text.encode("utf-8", "surrogatepass")


def _respond(
    status: int, content: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "body": json.dumps(content),
    }
