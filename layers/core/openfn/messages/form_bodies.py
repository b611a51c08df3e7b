"""Parse forms into an object of texts, with a list for a repeated name.

A file in a multipart form becomes `{"filename", "type", "bytes"}` with base64 bytes, as ODK
Aggregate formats embedded media.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from email.message import Message
from email.parser import FeedParser
from typing import Any
from urllib.parse import unquote_to_bytes

from openfn.errors import UnreadableBody

_MAX_FIELDS = 10_000
_SLICE = 65_536


def parse_urlencoded(text: str) -> dict[str, Any]:
    """Parse a URL-encoded form; a name without a value has an empty text."""
    if "=" not in text:
        raise UnreadableBody("The content type is a form, but the body has no name=value.")
    if text.count("&") >= _MAX_FIELDS:
        raise UnreadableBody(f"The form has more than {_MAX_FIELDS} fields.")
    pairs = (field.partition("=") for field in text.strip().split("&") if field)
    return _object((_unquote(name), _unquote(value)) for name, _, value in pairs)


def parse_multipart(
    content: bytes, content_type: str, parse_float: Callable[[str], Any]
) -> dict[str, Any]:
    """Parse a multipart/form-data body with the boundary of its content type."""
    # ISO-8859-1 maps each byte to one character, so decoding loses nothing.
    parser = FeedParser()
    parser.feed(f"Content-Type: {content_type}\r\n\r\n" + content.decode("iso-8859-1"))
    message = parser.close()
    parts = message.get_payload()
    if not isinstance(parts, list):
        raise UnreadableBody("The content type is multipart/form-data, but the body has no parts.")
    form = _object((_name(part), _value(part)) for part in parts if isinstance(part, Message))
    return _parse_aggregate_record(form, parse_float)


def _unquote(text: str) -> str:
    # In slices, since `unquote` needs a hundred times the memory of its text.
    content = text.replace("+", " ").encode("utf-8", "surrogatepass")
    pieces, start = [], 0
    while start < len(content):
        end = start + _SLICE
        escape = content.find(b"%", end - 2, end)
        end = end if escape < 0 else escape
        pieces.append(unquote_to_bytes(content[start:end]))
        start = end
    return b"".join(pieces).decode("utf-8", "replace")


def _name(part: Message) -> str:
    name = part.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise UnreadableBody("A part of the multipart body has no name.")
    return _decode_utf8(name)


def _decode_utf8(text: str) -> str:
    try:
        return text.encode("iso-8859-1").decode()  # browsers send names in plain UTF-8
    except UnicodeError:
        return text


def _value(part: Message) -> Any:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    filename = part.get_filename()
    if filename is not None:
        encoded = base64.b64encode(content).decode()
        return {
            "filename": _decode_utf8(filename),
            "type": part.get_content_type(),
            "bytes": encoded,
        }
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


def _parse_aggregate_record(
    form: dict[str, Any], parse_float: Callable[[str], Any]
) -> dict[str, Any]:
    # ODK Aggregate before 1.4 posts its record as JSON in a part of a form.
    if form.get("content") == "record" and form.get("format") == "json":
        try:
            data = json.loads(form["data"], parse_float=parse_float, parse_constant=str)
        except (KeyError, TypeError, ValueError, ArithmeticError, RecursionError):
            return form
        return {**form, "data": data}
    return form


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, list[Any]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
