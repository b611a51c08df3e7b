"""Parse and write XML as dicts.

A document type is refused: its defaults and entities amplify a document.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from xml.parsers import expat

_NAME = re.compile(r"[^\W\d][\w.\-\xb7]*(:[^\W\d][\w.\-\xb7]*)?")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse_xml(source: str | bytes) -> dict[str, Any]:
    """Parse XML: `@attribute`, `#text`, and a list for a repeated element.

    Raises ExpatError or LookupError for anything but XML, and ValueError for a document type.

    >>> parse_xml('<a xmlns:o="o"><o:meta>1</o:meta><b/><b c="2">3</b></a>')
    {'a': {'@xmlns:o': 'o', 'meta': '1', 'b': [None, {'@c': '2', '#text': '3'}]}}
    """
    import xmltodict  # noqa: PLC0415 - loaded when first needed

    parser = SimpleNamespace(ParserCreate=_create_parser)
    body: dict[str, Any] = xmltodict.parse(source, expat=parser, postprocessor=_drop_prefix)
    return body


def write_xml(value: dict[str, Any]) -> str:
    r"""Write a dict as XML; its only key is the root.

    Raises ValueError with the key that XML cannot have, or whose text has a control character.

    >>> write_xml({"case": {"@id": "7"}}).partition("\n")[2]
    '<case id="7"></case>'
    """
    import xmltodict  # noqa: PLC0415 - loaded when first needed

    if not isinstance(value, dict):
        raise ValueError(f"XML is written from a dict, not from a {type(value).__name__}.")  # noqa: TRY004 - as for all other values
    if len(value) != 1:
        raise ValueError(f"XML has one root, but the dict has {len(value)} keys.")
    if any(isinstance(root, list | tuple) for root in value.values()):
        raise ValueError("XML has one root, but the dict has a list of them.")
    _check(value, "")
    try:
        xml: str = xmltodict.unparse(value)
        expat.ParserCreate().Parse(xml.encode(), True)  # noqa: FBT003 - expat has no keyword for it
    except (ValueError, expat.ExpatError) as error:
        raise ValueError(f"XML cannot contain a key or a text of the dict: {error}.") from None
    return xml


def _check(part: Any, path: str) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            _check_name(key, path)
            _check_value(key, value, path)
            _check(value, f"{path}/{key}")
    elif isinstance(part, list | tuple):
        for item in part:
            _check(item, path)
    elif _FORBIDDEN.search(str(part)):
        raise ValueError(f"XML cannot contain the control character in the text of {path}.")


def _check_name(key: Any, path: str) -> None:
    name = key.removeprefix("@") if isinstance(key, str) else ""
    if key != "#text" and not _NAME.fullmatch(name):
        raise ValueError(
            f"XML cannot have the key {key!r} of {path or 'the root'}: a name begins with a letter "
            "or '_' and has no spaces or slashes. Rename the key, or write a group as a dict."
        )


def _check_value(key: str, value: Any, path: str) -> None:
    is_text = key == "#text" or key.startswith("@")
    is_nested = isinstance(value, list | tuple) and any(
        isinstance(item, list | tuple) for item in value
    )
    if is_nested or (is_text and isinstance(value, dict | list | tuple)):
        kind = "a list in a list" if is_nested else f"a {type(value).__name__}"
        raise ValueError(f"XML cannot contain {kind} as {key!r} of {path}. Write a text.")


def _create_parser(encoding: str | None, separator: str | None) -> Any:
    parser = expat.ParserCreate(encoding, separator)
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_args: Any) -> None:
    raise ValueError("XML with a document type (<!DOCTYPE …>) is not allowed.")


def _drop_prefix(_path: Any, key: str, value: Any) -> tuple[str, Any]:
    return (key if key.startswith("@") else key.rpartition(":")[2]), value
