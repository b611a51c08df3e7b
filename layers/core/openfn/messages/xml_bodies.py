"""XML read as JSON: `@attribute`, `#text`, a list where an element is repeated.

Prefixes of elements are dropped, as OpenFn v1 did and as CommCare's own JSON has it: `orx:meta` is
`meta`, Salesforce's `soapenv:Envelope` is `Envelope`. Entities are refused, and nothing outside the
body is ever fetched (expat does not).
"""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from openfn.errors import UnreadableBody


def parse(content: bytes, text: str) -> Any:
    """Read an XML body: its bytes by the encoding it declares, or else its decoded text."""
    try:
        return _parse(content, None)
    except (ExpatError, LookupError):
        # ISO-8859-1 without a declaration, or a declaration that is not true.
        return _parse(text.encode("utf-8", "replace"), "utf-8")


def _parse(content: bytes, encoding: str | None) -> Any:
    try:
        return xmltodict.parse(content, encoding, postprocessor=_without_prefix)
    except ExpatError as error:
        if encoding is None:
            raise
        where = f"line {error.lineno}, column {error.offset + 1}"
        raise UnreadableBody(f"the body is not XML: {error.args[0]} ({where})") from None
    except ValueError as error:
        raise UnreadableBody(f"the body is XML that is not read: {error}") from None


def _without_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
