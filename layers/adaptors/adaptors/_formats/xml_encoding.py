"""The encoding that an XML document declares in its first line."""

from __future__ import annotations

import re

_DECLARATION = re.compile(r"""\s*<\?xml[^>]*?\sencoding=["']([\w.:-]+)""")
_BYTES_DECLARATION = re.compile(_DECLARATION.pattern.encode())


def declared_encoding(xml: str | bytes) -> str | None:
    """Return the encoding that an XML document declares, or None.

    >>> declared_encoding('<?xml version="1.0" encoding="ISO-8859-1"?><a/>')
    'ISO-8859-1'
    >>> declared_encoding(b"<a/>")
    """
    if isinstance(xml, str):
        text = _DECLARATION.match(xml)
        return text[1] if text else None
    declaration = _BYTES_DECLARATION.match(xml)
    return declaration[1].decode("ascii", "replace") if declaration else None
