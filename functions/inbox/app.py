"""POST /inbox/{id}: keep the message, queue its id, answer 200 {}.

What a source sees: exactly 200 and `{}` once the message is durable, 503 when we are in trouble
(KoboToolbox sends again after that, and not after a 500), 400 for a body that cannot be read,
whose bytes are kept all the same.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from aws_lambda_powertools import Logger

from openfn import ids, metrics
from openfn.errors import UnreadableBody, place
from openfn.log_events import LogEvent
from openfn.messages import bodies
from openfn.messages import store as messages
from openfn.messages.store import Message
from openfn.project import compiled as project
from openfn.project import inboxes
from openfn.project.inboxes import Inbox
from openfn.storage import aws
from openfn.storage.redaction import is_secret_name

Answer = dict[str, Any]

# Lambda takes a request of 6 MB, in which API Gateway sends a body that is not text as base64.
_MAX_BYTES = 6_000_000
# Salesforce sends an outbound message again for a day unless it gets this answer.
_SALESFORCE = b"http://soap.sforce.com/2005/09/outbound"
_ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
# Not stored: what API Gateway adds for itself.
_UNKEPT_HEADERS = {
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
    try:
        answer = _answer(event)
    except Exception as error:
        _logger.error(LogEvent.MESSAGE_NOT_STORED, extra=place(error))
        answer = _say(503, {"error": "not kept: send it again in a moment"}, {"Retry-After": "5"})
    metrics.write("inbox", {metrics.of_answer(answer["statusCode"]): 1})
    return answer


def _answer(event: dict[str, Any]) -> Answer:
    inbox_id = event["pathParameters"]["id"].strip("/")
    inbox = project.current().inbox_of(inbox_id)
    if inbox is None:
        return _refuse(404, "there is no such inbox: check the URL, it ends in a secret id")
    body = _body(event)
    limit = inbox.max_bytes or _MAX_BYTES
    if len(body) > limit:
        return _refuse(413, f"the body has {len(body)} bytes; {limit} are the most", inbox)
    if not inboxes.admits(inbox, _headers(event), body, time.time()):
        wants = {"WWW-Authenticate": inboxes.challenge(inbox)}
        return _refuse(
            401, "this inbox asks for credentials, and these are not right", inbox, wants
        )
    if event["requestContext"]["http"]["method"] != "POST":
        return _say(200, {})
    return _receive(inbox, _message(event, inbox, body))


def _receive(inbox: Inbox, message: Message) -> Answer:
    about: dict[str, Any] = {"inbox": inbox.name, "size": len(message.body)}
    try:
        body = bodies.parse_exact(message.body, message.headers)
    except UnreadableBody as error:
        once = inboxes.content_key(inbox, message.body)
        kept_id = messages.keep(message, once, unreadable=str(error))
        _tell(LogEvent.MESSAGE_UNREADABLE, message, kept_id, about)
        return _say(400, {"error": str(error)}, {"X-Message-Id": kept_id})
    kept_id = messages.keep(message, inboxes.once_key(inbox, body))
    # A message that was kept before is queued all the same: its first post may have ended between
    # the two. Its runs are created once.
    if not messages.queue(kept_id, inbox.group):
        about["queued"] = "at the next tick"
    _tell(LogEvent.MESSAGE_STORED, message, kept_id, about)
    return _accepted(kept_id, message.body)


def _tell(what: str, message: Message, kept_id: str, about: dict[str, Any]) -> None:
    before = {} if kept_id == message.id else {"kept": "before"}
    _logger.info(what, extra={"message_id": kept_id, **about, **before})


def _accepted(message_id: str, body: bytes) -> Answer:
    answer = _say(200, {}, {"X-Message-Id": message_id})
    if _SALESFORCE in body:
        answer["headers"]["Content-Type"] = "text/xml; charset=utf-8"
        answer["body"] = _ACK
    return answer


def _refuse(
    status: int, why: str, inbox: Inbox | None = None, headers: dict[str, str] | None = None
) -> Answer:
    about = {"inbox": inbox.name} if inbox else {}
    _logger.warning(LogEvent.MESSAGE_REFUSED, extra={"status": status, **about})
    return _say(status, {"error": why}, headers)


def _message(event: dict[str, Any], inbox: Inbox, body: bytes) -> Message:
    unkept = _UNKEPT_HEADERS | {auth.header for auth in inbox.auth}
    return Message(
        id=ids.new_message_id(),
        inbox=inbox.name,
        body=body,
        method=event["requestContext"]["http"]["method"],
        headers={
            name: value
            for name, value in _headers(event).items()
            if name not in unkept and not is_secret_name(name)
        },
        query_params=messages.query_params(event.get("rawQueryString", "")),
    )


def _headers(event: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in event.get("headers", {}).items()}


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
