"""Multipart forms: what a part can be, and the limits."""

from __future__ import annotations

import pytest

from openfn.errors import UnreadableBody
from openfn.messages.bodies import parse

HEADERS = {"Content-Type": "multipart/form-data; boundary=XX"}


def body_of(*parts):
    return b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + b"--XX--\r\n"


def part_of(headers, content=b"1"):
    return b'Content-Disposition: form-data; name="a"' + headers + b"\r\n\r\n" + content


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (part_of(b""), "1"),
        (part_of(b"", b""), ""),
        (part_of(b"", b"\r\n--X\r\n-\r\n"), "\r\n--X\r\n-\r\n"),
        (part_of(b"", "é".encode()), "é"),
        (part_of(b"", b"\xe9"), "é"),
        (part_of(b"\r\nContent-Transfer-Encoding: base64", b"w6k="), "é"),
        (part_of(b"\r\nContent-Transfer-Encoding: base64", b"w6k"), "w6k"),
        (part_of(b"\r\nContent-Transfer-Encoding: quoted-printable", b"=C3=A9"), "é"),
        (
            part_of(b"; filename*=utf-8''%C3%A9.txt\r\nContent-Type: text/plain"),
            {"filename": "é.txt", "type": "text/plain", "bytes": "MQ=="},
        ),
        (
            part_of(b"\r\nContent-Type: multipart/mixed; boundary=Y", b"--Y\r\n\r\n2\r\n--Y--"),
            "--Y\r\n\r\n2\r\n--Y--",
        ),
    ],
)
def test_part_is_parsed(part, value):
    assert parse(body_of(part), HEADERS) == {"a": value}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (body_of(part_of(b";a=b" * 600)), "invalid"),
        (body_of(part_of(b"\r\nA: b" * 16)), "16 headers"),
        (body_of(*[part_of(b"")] * 1001), "1000 parts"),
        (body_of(part_of(b""))[:-8], "cut off"),
        (body_of(part_of(b""))[:30], "cut off"),
        (b"text before\r\n" + body_of(part_of(b"")), "no parts"),
        (body_of(), "no parts"),
    ],
)
def test_invalid_multipart_is_unreadable(content, message):
    with pytest.raises(UnreadableBody, match=message):
        parse(content, HEADERS)


def test_multipart_without_a_boundary_is_unreadable():
    with pytest.raises(UnreadableBody, match="no boundary"):
        parse(body_of(part_of(b"")), {"Content-Type": "multipart/form-data"})


def test_thousand_parts_are_allowed():
    assert parse(body_of(*[part_of(b"")] * 1000), HEADERS) == {"a": ["1"] * 1000}
