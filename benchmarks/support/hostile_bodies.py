"""Bodies that are made to exhaust a parser's time or memory, each up to 6 MB as posted."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable

SIZE = 6_000_000
EXPANDED = 8_000_000
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"
_JSON = "application/json"
_XML = "text/xml"
_PART = b'--XX\r\nContent-Disposition: form-data; name="a"'


def _repeat(start: bytes, unit: bytes, end: bytes = b"", size: int | None = None) -> bytes:
    size = size or SIZE
    return start + unit * ((size - len(start) - len(end)) // len(unit)) + end


def _keys(value: bytes) -> bytes:
    size, pairs = 0, []
    for number in itertools.count():
        pairs.append(b'"%x":%s' % (number, value))
        size += len(pairs[-1]) + 1
        if size > SIZE - 20:
            return b"{" + b",".join(pairs) + b"}"
    raise AssertionError


def _characters_as_keys(value: bytes) -> bytes:
    """Return an object whose keys are single characters beyond the basic plane, four bytes each."""
    pairs = (b'"%s":%s' % (chr(code).encode(), value) for code in range(0x10000, 0x110000))
    unit = len(b'"1234":,' + value)
    return b"{" + b",".join(itertools.islice(pairs, (EXPANDED - 2) // unit)) + b"}"


def _attributes(space: bytes) -> bytes:
    names = [b"a%x%s=''" % (number, space) for number in range(SIZE // 12)]
    return b"<a " + b" ".join(names) + b"/>"


def _expand(body: bytes) -> bytes:
    return gzip.compress(body, 1)


SHAPES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "quotes that do not close": (_JSON, lambda: b"[" * 200_001 + _repeat(b"", b'"\\', size=80_000)),
    "6 MB of quotes that do not close": (_JSON, lambda: _repeat(b"[" * 200_001, b'"\\')),
    "6 MB of empty strings": (_JSON, lambda: _repeat(b"[" * 200_001, b'""')),
    "6 MB of backslashes": (_JSON, lambda: _repeat(b"[" * 200_001 + b'"', b"\\")),
    "gzipped quotes": (_JSON, lambda: _expand(_repeat(b"[" * 200_001, b'"\\', size=EXPANDED))),
    "one string of brackets": (_JSON, lambda: _repeat(b'"', b"[\\n", b'"')),
    "lists": (_JSON, lambda: _repeat(b"[", b"[1],", b"1]")),
    "objects": (_JSON, lambda: _repeat(b"[", b'{"":1},', b"1]")),
    "fractions": (_JSON, lambda: _repeat(b"[", b"1.1,", b"1]")),
    "gzipped fractions": (_JSON, lambda: _expand(_repeat(b"[", b"0.5,", b"1]"))),
    "the most fractions": (_JSON, lambda: _repeat(b"[", b"0.125,", b"1]")),
    "keys": (_JSON, lambda: _keys(b"1.5")),
    "gzipped characters as keys": (_JSON, lambda: _expand(_characters_as_keys(b"1.5"))),
    "strings beyond the basic plane": (
        _JSON,
        lambda: _repeat(b"[", '"\U0001f600",'.encode(), b"1]"),
    ),
    "escapes": (_JSON, lambda: _repeat(b'["', rb"\ud83d\ude00", b'"]')),
    "one long fraction": (_JSON, lambda: _repeat(b'{"case":1.', b"7", b"}")),
    "one long integer": (_JSON, lambda: _repeat(b'{"case":', b"7", b"}")),
    "long integers": (_JSON, lambda: _repeat(b"[", b"7" * 4300 + b",", b"1]")),
    "a large exponent": (_JSON, lambda: b'{"case": 1e9999999, "x": 1}'),
    "large exponents": (_JSON, lambda: _repeat(b'{"case":[', b"1e9999999,", b"1]}")),
    "integers with exponents": (_JSON, lambda: _repeat(b'{"case":[', b"1e4299,", b"1]}")),
    "long integers with fractions": (
        _JSON,
        lambda: _repeat(b'{"case":[', b"7" * 4300 + b".0,", b"1]}"),
    ),
    "an exponent out of range": (_JSON, lambda: b'{"case": 1e99999999999999999999}'),
    "nested lists": (_JSON, lambda: _repeat(b"", b"[")),
    "nested objects": (_JSON, lambda: _repeat(b"", b'{"a":')),
    "UTF-16": (_JSON, lambda: '["é"]'.encode("utf-16") + b"\x20\x00" * 2_900_000),
    "elements": (_XML, lambda: _repeat(b"<a>", b"<b/>", b"</a>")),
    "nested elements": (_XML, lambda: _repeat(b"", b"<a>")),
    "attributes": (_XML, lambda: _attributes(b"")),
    "attributes with spaces": (_XML, lambda: _attributes(b" ")),
    "namespaces": (_XML, lambda: _repeat(b"<a>", b"<b xmlns:c='d'/>", b"</a>")),
    "character references": (_XML, lambda: _repeat(b"<a>", b"&#65;", b"</a>")),
    "lines": (_XML, lambda: _repeat(b"<a>", b"\n", b"</a>")),
    "text between elements": (_XML, lambda: _repeat(b"<a>", b"<b/>" + b"x" * 30, b"</a>")),
    "an open comment": (_XML, lambda: _repeat(b"<a><!--", b"-")),
    "attribute defaults": (
        _XML,
        lambda: _expand(
            b"<!DOCTYPE a [<!ATTLIST b c CDATA '"
            + b"x" * 60_000
            + b"'>]>"
            + _repeat(b"<a>", b"<b/>", b"</a>", size=700_000)
        ),
    ),
    "entities": (
        _XML,
        lambda: (
            b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 50_000 + b'">]><a>' + b"&b;" * 9_000 + b"</a>"
        ),
    ),
    "percent signs": (FORM, lambda: _repeat(b"a=", b"%41")),
    "gzipped percent signs": (FORM, lambda: _expand(_repeat(b"a=", b"%C3", size=EXPANDED))),
    "broken percent signs": (FORM, lambda: _repeat(b"a=", b"%")),
    "plus signs": (FORM, lambda: _repeat(b"a=", b"+")),
    "form fields": (FORM, lambda: _repeat(b"a=1", b"&a=1")),
    "empty form fields": (FORM, lambda: _repeat(b"a=1", b"&")),
    "header parameters": (MULTIPART, lambda: _repeat(_PART, b";a=b", size=800_000)),
    "6 MB of header parameters": (MULTIPART, lambda: _repeat(_PART, b";a=b")),
    "quoted header parameters": (MULTIPART, lambda: _repeat(_PART, b';"', size=800_000)),
    "long headers of many parts": (
        MULTIPART,
        lambda: _repeat(b"", _PART + b";a=b" * 990 + b"\r\n\r\n1\r\n", b"--XX--"),
    ),
    "quotes in headers of many parts": (
        MULTIPART,
        lambda: (_PART + b';"' * 980 + b"\r\n\r\n1\r\n") * 999 + b"--XX--",
    ),
    "headers": (MULTIPART, lambda: _repeat(_PART + b"\r\n", b"A: b\r\n", b"\r\n1\r\n--XX--")),
    "parts": (MULTIPART, lambda: _repeat(b"", _PART + b"\r\n\r\n1\r\n", b"--XX--")),
    "nested multiparts": (
        MULTIPART,
        lambda: b"".join(
            b"--X%d\r\nContent-Type: multipart/mixed; boundary=X%d\r\n\r\n" % (n, n + 1)
            for n in range(1, 3000)
        ).replace(b"--X1\r", b"--XX\r", 1),
    ),
    "carriage returns in a part": (
        MULTIPART,
        lambda: _repeat(_PART + b"\r\n\r\n", b"\r", b"\r\n--XX--"),
    ),
    "invalid boundaries": (
        MULTIPART,
        lambda: _repeat(_PART + b"\r\n\r\n", b"\r\n--X", b"\r\n--XX--"),
    ),
    "lines before the first boundary": (MULTIPART, lambda: _repeat(b"", b"\r\n", _PART)),
    "base64 in a part": (
        MULTIPART,
        lambda: _repeat(
            _PART + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", b"QUFB", b"\r\n--XX--"
        ),
    ),
    "quoted-printable in a part": (
        MULTIPART,
        lambda: _repeat(
            _PART + b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            b"=41",
            b"\r\n--XX--",
        ),
    ),
    "a file": (
        MULTIPART,
        lambda: _repeat(_PART + b'; filename="f"\r\n\r\n', b"\x00\xff", b"\r\n--XX--"),
    ),
    "gzip members": ("", lambda: _repeat(b"", gzip.compress(b""))),
    "zeros after gzip": ("", lambda: _repeat(gzip.compress(b'{"a": 1}'), b"\x00")),
    "a gzip bomb": ("", lambda: gzip.compress(b" " * 50_000_000)),
    "gzip bombs": ("", lambda: _repeat(b"", gzip.compress(b" " * 100_000))),
}
