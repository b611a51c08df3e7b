"""XML read into dicts and written from them: `@attribute`, `#text`, a list for what is repeated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from xml.parsers import expat

from adaptors.common.lazy import accepts_state_functions


@accepts_state_functions
def parse_xml(text: str | bytes) -> Any:
    """Read XML as the inbox does: `@attribute`, `#text`, a list where an element is repeated.

    Prefixes of elements are dropped: `orx:meta` is `meta`. Bytes are read by the encoding they
    declare. `ValueError` says where it is no XML, or that it has a document type: entities are
    refused, and nothing outside of it is ever fetched.

    >>> parse_xml('<case case_id="7"><name>Amina</name></case>')
    {'case': {'@case_id': '7', 'name': 'Amina'}}
    """
    import xmltodict  # noqa: PLC0415 - loaded when first needed

    parser = SimpleNamespace(ParserCreate=_parser)
    try:
        return xmltodict.parse(text, expat=parser, postprocessor=_without_prefix)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(f"this is no XML: {error}") from None


@accepts_state_functions
def to_xml(value: dict[str, Any], *, declaration: bool = True) -> str:
    """Write a dict as XML, the reverse of `parse_xml`; its one key is the root.

    Numbers are written as they are, true and false in small letters, `None` as an empty element.
    `ValueError` says what XML cannot hold: a second root, a key that is no name, a control
    character.

    >>> to_xml({"case": {"@case_id": "7", "name": ["Amina", "Ami"]}}, declaration=False)
    '<case case_id="7"><name>Amina</name><name>Ami</name></case>'
    """
    import xmltodict  # noqa: PLC0415 - loaded when first needed

    if len(value) != 1:
        raise ValueError(f"XML has one root, and the dict {len(value)} keys")
    written = xmltodict.unparse(value)
    try:
        expat.ParserCreate().Parse(written.encode(), True)  # noqa: FBT003 - expat knows it by place
    except expat.ExpatError as error:
        raise ValueError(f"a key or a text of the dict has no form in XML: {error}") from None
    return written if declaration else written.partition("\n")[2]


def _parser(encoding: str | None, separator: str | None) -> Any:
    parser = expat.ParserCreate(encoding, separator)
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_about: Any) -> None:
    raise ValueError("XML with a document type (<!DOCTYPE …>) is not read")


def _without_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
