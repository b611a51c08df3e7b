"""Convert XML to JSON: `@attribute`, `#text`, and a list for a repeated element.

Namespace prefixes of elements are dropped, as in OpenFn v1 and in CommCare's own JSON: `orx:meta`
becomes `meta`, Salesforce's `soapenv:Envelope` becomes `Envelope`. A document type is rejected:
the defaults of attributes and the entities that it declares can amplify a small body.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from xml.parsers import expat
from xml.parsers.expat import ExpatError

import xmltodict

from openfn.errors import UnreadableBody


def parse(content: bytes, text: str) -> Any:
    """Parse an XML body in its declared encoding, or else from its decoded text."""
    try:
        return _parse(content, None)
    except (ExpatError, LookupError):
        # ISO-8859-1 without a declaration, or a wrong declaration.
        return _parse(text.encode("utf-8", "replace"), "utf-8")


def _parse(content: bytes, encoding: str | None) -> Any:
    try:
        parser = SimpleNamespace(ParserCreate=_create_parser)
        return xmltodict.parse(content, encoding, parser, postprocessor=_drop_prefix)
    except ExpatError as error:
        if encoding is None:
            raise
        location = f"line {error.lineno}, column {error.offset + 1}"
        raise UnreadableBody(f"The body is not XML: {error.args[0]} ({location}).") from None
    except ValueError as error:
        raise UnreadableBody(f"The body is XML with an unsupported feature: {error}.") from None


def _create_parser(encoding: str | None, separator: str | None) -> Any:
    parser = expat.ParserCreate(encoding, separator)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: Any) -> None:
    raise UnreadableBody(
        "The body is XML with a document type (<!DOCTYPE …>). Post it without the document type."
    )


def _drop_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
