"""POST /inbox/{id}: store the message, queue its id, respond 200 {}.

A source receives exactly 200 and `{}` (or the inbox's fixed response) once the message is stored
durably, and 503 if we fail (KoboToolbox retries after a 503, but not after a 500). A body that
cannot be parsed is stored, too, and answered 400.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger

from openfn import ids, metrics
from openfn.errors import UnreadableBody, log_fields
from openfn.log_events import LogEvent
from openfn.messages import bodies
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import challenges, inboxes
from openfn.project import compiled as project
from openfn.project.challenges import Verification
from openfn.project.inboxes import Inbox
from openfn.storage import services
from openfn.storage.redaction import is_secret_name

Response = dict[str, Any]

_MESSAGE_METHODS = {"POST", "PUT", "PATCH"}
# Lambda accepts requests of 6 MB, in which API Gateway encodes binary bodies as base64.
_MAX_BYTES = 6_000_000
# Salesforce repeats an outbound message for a day unless it receives this response.
_SALESFORCE_NAMESPACE = b"http://soap.sforce.com/2005/09/outbound"
_PLAIN_TEXT = "text/plain; charset=utf-8"
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
    body, method = _decode_body(event), event["requestContext"]["http"]["method"]
    query = messages.parse_query(event.get("rawQueryString", ""))
    limit = inbox.max_bytes or _MAX_BYTES
    if len(body) > limit:
        return _reject(413, f"The body has {len(body)} bytes. The limit is {limit}.", inbox)
    if verification := challenges.read(inbox.challenge, method, query, body):
        return _verify(inbox, verification)
    if not inboxes.is_authorized(inbox, _headers(event), body, time.time()):
        headers = {"WWW-Authenticate": inboxes.authenticate_header(inbox)}
        return _reject(401, "The credentials for this inbox are missing or wrong.", inbox, headers)
    if method in _MESSAGE_METHODS:
        return _store(inbox, _create_message(inbox, body, method, _headers(event), query))
    return _handle_get(inbox, _create_message(inbox, body, method, _headers(event), query))


def _verify(inbox: Inbox, verification: Verification) -> Response:
    """Echo the text of a service that verifies the inbox's URL."""
    if inbox.challenge is None or not challenges.has_token(inbox.challenge, verification):
        return _reject(403, "The token is not the one of this inbox's challenge.", inbox)
    if verification.is_too_long:
        return _reject(400, "The challenge is too long.", inbox)
    headers = {"Content-Type": _PLAIN_TEXT, "X-Content-Type-Options": "nosniff"}
    return {"statusCode": 200, "headers": headers, "body": verification.text}


def _handle_get(inbox: Inbox, message: Message) -> Response:
    """Store the query or the body of a GET if the inbox accepts it; respond 200 to all others."""
    if not message.query_params and not message.body:
        return _respond(200, {})
    if message.method.lower() not in inbox.accept:
        extra = {"inbox": inbox.name, "method": message.method}
        _logger.info(LogEvent.QUERY_IGNORED, extra=extra)
        metrics.write("inbox", {metrics.Metric.QUERIES_IGNORED: 1})
        return _respond(200, {})
    if message.body:
        return _store(inbox, message)
    content = json.dumps(message.query_params, separators=(",", ":")).encode()
    headers = {name: text for name, text in message.headers.items() if name != "content-type"}
    return _store(inbox, replace(message, body=content, headers=headers))


def _store(inbox: Inbox, message: Message) -> Response:
    try:
        body = bodies.parse_exact(message.body, message.headers)
    except UnreadableBody as error:
        return _store_unreadable(inbox, message, str(error))
    message_id = messages.store(message, inboxes.dedupe_key(inbox, body), is_ordered=inbox.ordered)
    # A repeated message is queued again, because its first post may have stopped between the two
    # calls. Its runs are created once.
    is_queued = messages.queue(message_id, inbox.name, inbox.group)
    extra = {} if is_queued else {"queued": "at the next tick"}
    _log_stored(LogEvent.MESSAGE_STORED, message, message_id, extra)
    return _accept(inbox, message_id, message.body)


def _store_unreadable(inbox: Inbox, message: Message, reason: str) -> Response:
    dedupe_key = inboxes.content_dedupe_key(inbox, message.body)
    message_id = messages.store(message, dedupe_key, unreadable=reason)
    _log_stored(LogEvent.MESSAGE_UNREADABLE, message, message_id, {})
    return _respond(400, {"error": reason}, {"X-Message-Id": message_id})


def _log_stored(event: LogEvent, message: Message, message_id: str, extra: dict[str, str]) -> None:
    repeated = {} if message_id == message.id else {"kept": "before"}
    stored = {"message_id": message_id, "inbox": message.inbox, "size": len(message.body)}
    _logger.info(event, extra={**stored, **extra, **repeated})


def _accept(inbox: Inbox, message_id: str, body: bytes) -> Response:
    response = _respond(200, {}, {"X-Message-Id": message_id})
    if inbox.response:
        response["headers"]["Content-Type"] = inbox.response.content_type
        response["body"] = inbox.response.body
    elif _SALESFORCE_NAMESPACE in body:
        response["headers"]["Content-Type"] = "text/xml; charset=utf-8"
        response["body"] = _SALESFORCE_ACK
    return response


def _reject(
    status: int, reason: str, inbox: Inbox | None = None, headers: dict[str, str] | None = None
) -> Response:
    name = {"inbox": inbox.name} if inbox else {}
    _logger.warning(LogEvent.MESSAGE_REFUSED, extra={"status": status, **name})
    return _respond(status, {"error": reason}, headers)


def _create_message(
    inbox: Inbox, body: bytes, method: str, headers: dict[str, str], query: dict[str, Any]
) -> Message:
    dropped = _GATEWAY_HEADERS | {auth.header for auth in inbox.auth}
    stored_headers = {
        name: value
        for name, value in headers.items()
        if name not in dropped and not is_secret_name(name)
    }
    return Message(ids.new_message_id(), inbox.name, body, method, stored_headers, query)


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
