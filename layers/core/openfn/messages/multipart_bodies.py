"""Parse multipart forms into an object of texts, with a list for a repeated name.

A file becomes `{"filename", "type", "bytes"}` with base64 bytes, as ODK Aggregate formats embedded
media. A multipart inside a part stays text: no source posts one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from openfn.errors import UnreadableBody
from openfn.messages import body_size
from openfn.messages.form_bodies import as_object

# The parameters of a header take quadratic time, so a header is short and has few.
_MAX_HEADER_BYTES, _MAX_HEADERS, _MAX_PARTS = 2_048, 16, 1_000
_MAX_PARAMETERS = 50
_NO_PARTS = "The content type is multipart/form-data, but the body has no parts."


@dataclass(slots=True)
class _Part:
    headers: Message = field(default_factory=Message)
    header_name: bytes = b""
    header_value: bytes = b""
    content: bytearray = field(default_factory=bytearray)


class _Parts:
    """The parts of a body, as the callbacks of the parser collect them."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.is_complete = False

    def on_part_begin(self) -> None:
        if len(self.parts) == _MAX_PARTS:
            raise UnreadableBody(f"The multipart body has more than {_MAX_PARTS} parts.")
        self.parts.append(_Part())

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].header_value += data[start:end]

    def on_header_end(self) -> None:
        part = self.parts[-1]
        if part.header_value.count(b";") > _MAX_PARAMETERS:
            raise UnreadableBody(
                f"A header in the multipart body has more than {_MAX_PARAMETERS} parameters."
            )
        # ISO-8859-1 maps each byte to one character, so decoding loses nothing.
        part.headers[part.header_name.decode("iso-8859-1")] = part.header_value.decode("iso-8859-1")
        part.header_name = part.header_value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content += memoryview(data)[start:end]

    def on_end(self) -> None:
        self.is_complete = True


def parse(content: bytes, content_type: str, parse_float: Callable[[str], Any]) -> dict[str, Any]:
    """Parse a multipart/form-data body with the boundary of its content type."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise UnreadableBody("The content type multipart/form-data has no boundary.")
    form = as_object((_name(part), _value(part)) for part in _split(content, boundary))
    return _parse_aggregate_record(form, parse_float)


def _split(content: bytes, boundary: str) -> list[_Part]:
    collected = _Parts()
    names = [name for name in dir(collected) if name.startswith("on_")]
    parser = MultipartParser(
        boundary.encode("iso-8859-1", "replace"),
        {name: getattr(collected, name) for name in names},  # type: ignore[arg-type]
        max_header_count=_MAX_HEADERS,
        max_header_size=_MAX_HEADER_BYTES,
    )
    parser.logger.disabled = True  # its lines would quote the body
    try:
        parser.write(content)
    except MultipartParseError as error:
        if not collected.parts:
            raise UnreadableBody(_NO_PARTS) from None
        limits = f"{_MAX_HEADERS} headers of {_MAX_HEADER_BYTES} bytes"
        raise UnreadableBody(
            f"The multipart body is invalid at byte {error.offset}. A part has at most {limits}."
        ) from None
    if not collected.parts:
        raise UnreadableBody(_NO_PARTS)
    if not collected.is_complete:
        raise UnreadableBody("The multipart body is cut off: its last boundary is missing.")
    return collected.parts


def _name(part: _Part) -> str:
    name = part.headers.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise UnreadableBody("A part of the multipart body has no name.")
    return _decode_utf8(name)


def _decode_utf8(text: str) -> str:
    try:
        return text.encode("iso-8859-1").decode()  # browsers send names in plain UTF-8
    except UnicodeError:
        return text


def _value(part: _Part) -> Any:
    content = _decode_transfer(part)
    filename = part.headers.get_filename()
    if filename is not None:
        return {
            "filename": _decode_utf8(filename),
            "type": part.headers.get_content_type(),
            "bytes": base64.b64encode(content).decode(),
        }
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


def _decode_transfer(part: _Part) -> bytes:
    content = bytes(part.content)
    match str(part.headers.get("content-transfer-encoding", "")).strip().lower():
        case "base64":
            try:
                return binascii.a2b_base64(content)
            except binascii.Error:
                return content
        case "quoted-printable":
            return binascii.a2b_qp(content)
        case _:
            return content


def _parse_aggregate_record(
    form: dict[str, Any], parse_float: Callable[[str], Any]
) -> dict[str, Any]:
    # ODK Aggregate before 1.4 posts its record as JSON in a part of a form.
    if form.get("content") == "record" and form.get("format") == "json":
        try:
            body_size.check_json(form["data"])
            data = json.loads(form["data"], parse_float=parse_float, parse_constant=str)
        except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError):
            return form
        return {**form, "data": data}
    return form
