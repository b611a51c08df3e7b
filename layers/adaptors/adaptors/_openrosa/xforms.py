"""Write data as the XML of a form, from dicts with `@attribute` and `#text`.

`@name` is an attribute, `#text` the text of an element with attributes, a list a repeated element,
and `#type` at the top level the name of the root. OpenFn's `"@": {"xmlns": …}` works too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from adaptors._formats import plain_text
from adaptors.absent import absent_keys
from adaptors.errors import ConfigurationError

_NAME = re.compile(r"(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*")
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(data: Mapping[str, Any]) -> str:
    """Return the XML; raise ConfigurationError for a key or text that XML cannot contain.

    >>> write({"@xmlns": "http://x.org/visit", "child": [{"age": 3}, {"age": None}]})
    '<data xmlns="http://x.org/visit"><child><age>3</age></child><child><age /></child></data>'
    """
    root = Element(_name(data.get("#type") or "data"))
    _fill(root, "#type", {key: value for key, value in data.items() if key != "#type"})
    return tostring(root, encoding="unicode")


def _fill(element: Element, key: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        element.text = _text(key, value)
        return
    for name, child in value.items():
        if name == "@" and isinstance(child, Mapping):
            for attribute, text in child.items():
                element.set(_name(attribute), _text(attribute, text))
        elif name.startswith("@"):
            element.set(_name(name[1:]), _text(name, child))
        elif name == "#text":
            element.text = _text(key, child)
        else:
            for item in child if isinstance(child, list) else [child]:
                # An empty element would erase what it names, such as the parent of a case.
                if "#text" not in absent_keys(item):
                    _fill(SubElement(element, _name(name)), name, item)


def _name(key: str) -> str:
    if _NAME.fullmatch(key):
        return key
    raise ConfigurationError(
        f"The key {key!r} cannot be the name of an XML element. Use letters, digits, '_', '-' and "
        "'.', begin with a letter, and write a group as a dict."
    )


def _text(key: str, value: Any) -> str:
    try:
        text = plain_text.format_value(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key}: {error}") from None
    if _FORBIDDEN.search(text):
        raise ConfigurationError(
            f"{key}: the text contains a control character, which XML does not allow. Remove it."
        )
    return text
