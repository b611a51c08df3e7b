"""Answer AWS's protocols for boto3 and the AWS CLI, on loopback and to signed requests only.

DynamoDB, SQS and Secrets Manager speak JSON; of S3, objects can be read, written, deleted and
listed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from openfn.storage.errors import CallFailed, CallRefused
from openfn.storage.services import Services
from workbench.local import http_server
from workbench.local.aws_signature import is_signed

_SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "secretsmanager": "secretsmanager",
}
_JSON = "application/x-amz-json-1.0"


@contextmanager
def serve_aws(services: Services, port: int, secret_key: str) -> Iterator[str]:
    """Serve a stack's table, queues, bucket and secrets and yield the endpoint's URL."""
    with http_server.serve(partial(_respond, services, secret_key), port) as url:
        yield url


def _respond(services: Services, secret_key: str, request: Request) -> Response:
    if not is_signed(request, secret_key):
        error = CallRefused("InvalidSignatureException", "The signature is missing or invalid.")
        return _error(error, 403)
    target, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
    try:
        if target in _SERVICES:
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
            content = _decode(json.loads(request.get_data() or b"{}"))
            answer = services.call(_SERVICES[target], name, content)
            return Response(json.dumps(_encode(answer)), content_type=_JSON)
        return _respond_as_s3(services, request)
    except CallFailed as error:
        return _error(error, 400, as_xml=target not in _SERVICES)
    except (KeyError, TypeError, ValueError) as error:
        return _error(CallRefused("ValidationException", f"Invalid request: {error!r}"), 400)


def _respond_as_s3(services: Services, request: Request) -> Response:
    bucket, _, key = request.path.strip("/").partition("/")
    names = {"Bucket": bucket, "Key": key}
    match request.method, bool(key):
        case "GET", True:
            content = services.call("s3", "get_object", names)["Body"].read()
            return Response(content, content_type="application/octet-stream")
        case "PUT", True:
            services.call("s3", "put_object", {**names, "Body": request.get_data()})
            return Response("")
        case "DELETE", True:
            services.call("s3", "delete_object", names)
            return Response("", 204)
        case "GET", False if bucket:
            return _list_objects(services, bucket, request)
    raise CallRefused("NotImplemented", "The local stack does not have this operation.")


def _list_objects(services: Services, bucket: str, request: Request) -> Response:
    query = {"Bucket": bucket, "Prefix": request.args.get("prefix", "")}
    if token := request.args.get("continuation-token"):
        query["ContinuationToken"] = token
    page = services.call("s3", "list_objects_v2", query)
    entries = "".join(
        f"<Contents><Key>{escape(entry['Key'])}</Key><Size>{entry['Size']}</Size></Contents>"
        for entry in page["Contents"]
    )
    token = page.get("NextContinuationToken", "")
    following = f"<NextContinuationToken>{escape(token)}</NextContinuationToken>" if token else ""
    truncated = str(page["IsTruncated"]).lower()
    text = f"<IsTruncated>{truncated}</IsTruncated>{following}{entries}"
    return Response(f"<ListBucketResult>{text}</ListBucketResult>", content_type="application/xml")


def _error(error: CallFailed, status: int, *, as_xml: bool = False) -> Response:
    if as_xml:
        text = f"<Code>{escape(error.code)}</Code><Message>{escape(str(error))}</Message>"
        status = 404 if error.code.startswith("NoSuch") else status
        return Response(f"<Error>{text}</Error>", status, content_type="application/xml")
    details = {name: value for name, value in error.response.items() if name != "Error"}
    content = {"__type": error.code, "message": str(error), **details}
    return Response(json.dumps(_encode(content)), status, content_type=_JSON)


def _decode(value: Any) -> Any:
    """Return a request with the bytes that its JSON has in base64."""
    if isinstance(value, list):
        return [_decode(part) for part in value]
    if not isinstance(value, dict):
        return value
    if isinstance(text := value.get("B"), str) and len(value) == 1:
        return {"B": base64.b64decode(text)}
    return {name: _decode(part) for name, part in value.items()}


def _encode(value: Any) -> Any:
    """Return a response as JSON can hold it: bytes in base64, times in seconds."""
    if isinstance(value, list):
        return [_encode(part) for part in value]
    if isinstance(value, dict):
        return {name: _encode(part) for name, part in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value
