"""Call moto's DynamoDB and SQS without the HTTP layer between botocore and them.

That layer (URL patterns, a WSGI request, shapes of parameters and results) takes most of the time
of a simulated step. moto's own handlers still do all the work. A call that they refuse is repeated
through the HTTP layer, which formats the error: a refused call changes nothing.
"""

from __future__ import annotations

import base64
import json

from botocore.awsrequest import AWSResponse
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.responses import SQSResponse

from workbench.local import moto_threads
from workbench.local.resources import REGION

_HANDLERS = {"DynamoDB_20120810": DynamoHandler, "AmazonSQS": SQSResponse}
_HEADERS = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "direct"}


def respond(event_name, request, **_):
    """Respond to a request of botocore, as moto's stubber does."""
    service, _, operation = request.headers.get("X-Amz-Target", b"").decode().partition(".")
    if service not in _HANDLERS:
        return botocore_stubber(event_name, request)
    handler = _handler(_HANDLERS[service], json.loads(request.body))
    try:
        content = _perform(handler, camelcase_to_underscores(operation))
    except Exception:
        return botocore_stubber(event_name, request)
    body = MockRawResponse(json.dumps(_encode(content)))
    return AWSResponse(request.url, 200, dict(_HEADERS), body)


def _perform(handler, method):
    with moto_threads.exclusive(handler):
        return getattr(handler, method)().result


def _handler(handler_class, params):
    handler = handler_class()
    handler.params = handler.body = _decode(params)
    handler.uri_match, handler.querystring, handler.headers = {}, {}, {}
    handler.current_account, handler.region = DEFAULT_ACCOUNT_ID, REGION
    return handler


def _decode(value):
    if isinstance(value, list):
        return [_decode(element) for element in value]
    if not isinstance(value, dict):
        return value
    if isinstance(content := value.get("B"), str):
        return {"B": base64.b64decode(content)}
    return {name: _decode(member) for name, member in value.items()}


def _encode(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        members = value.items()
        return {name: _encode(member) for name, member in members if member is not None}
    return [_encode(element) for element in value] if isinstance(value, list) else value
