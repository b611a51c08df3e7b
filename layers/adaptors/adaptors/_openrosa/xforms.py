"""Data as the XML of a form's instance, in the notation that CommCare and the inbox use for it.

`@name` is an attribute, `#text` the text beside attributes, a list a repeated element, and `#type`
on the outermost level the name of the root. OpenFn's own `"@": {"xmlns": …}` is understood too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from adaptors._formats import plain_text
from adaptors.errors import ConfigurationError

_NAME = re.compile(r"(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*")
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(data: Mapping[str, Any]) -> str:
    """Give the XML; `ConfigurationError` names the key that cannot be written.

    >>> write({"@xmlns": "http://x.org/visit", "child": [{"age": 3}, {"age": None}]})
    '<data xmlns="http://x.org/visit"><child><age>3</age></child><child><age /></child></data>'
    """
    root = Element(_name(data.get("#type") or "data"))
    _fill(root, "#type", {key: part for key, part in data.items() if key != "#type"})
    return tostring(root, encoding="unicode")


def _fill(element: Element, key: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        element.text = _text(key, value)
        return
    for name, part in value.items():
        if name == "@" and isinstance(part, Mapping):
            for attribute, text in part.items():
                element.set(_name(attribute), _text(attribute, text))
        elif name.startswith("@"):
            element.set(_name(name[1:]), _text(name, part))
        elif name == "#text":
            element.text = _text(key, part)
        else:
            for each in part if isinstance(part, list) else [part]:
                _fill(SubElement(element, _name(name)), name, each)


def _name(key: str) -> str:
    if _NAME.fullmatch(key):
        return key
    raise ConfigurationError(
        f"the key {key!r} cannot be the name of an XML element; take letters, digits, '_', '-' and "
        "'.', begin with a letter, and nest a group as a dict of its own"
    )


def _text(key: str, value: Any) -> str:
    try:
        text = plain_text.format_value(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key}: {error}") from None
    if _UNWRITABLE.search(text):
        raise ConfigurationError(
            f"{key}: the text holds a control character, which XML cannot hold; remove it first"
        )
    return text
