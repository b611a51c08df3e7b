"""Parsing of message bodies: JSON, XML, forms and gzip."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import pytest

from openfn.errors import UnreadableBody
from openfn.messages.bodies import parse, parse_exact

FORM = "application/x-www-form-urlencoded"
both_parsers = pytest.mark.parametrize("parser", [parse, parse_exact], ids=["parse", "parse_exact"])


def content_type_header(kind):
    return {"Content-Type": kind}


def nested(depth):
    return b"[" * depth + b"]" * depth


@both_parsers
@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": [1, "x", null, true, {}]}', {"a": [1, "x", None, True, {}]}),
        (b"  [1]\n", [1]),
        (b"7", 7),
        (b'"text"', "text"),
        (b"null", None),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (rb'"\u00e9\ud83d\ude00\/"', "é\U0001f600/"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ],
)
def test_json_is_parsed(parser, content, value):
    assert parser(content) == value


@both_parsers
@pytest.mark.parametrize("kind", ["", "text/plain", FORM, "application/xml", "nonsense"])
def test_json_is_parsed_whatever_the_content_type(parser, kind):
    assert parser(b'{"a": "b=c"}', content_type_header(kind)) == {"a": "b=c"}


@both_parsers
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1", "utf-16", "utf-32"])
def test_every_encoding_that_sources_send_is_decoded(parser, encoding):
    assert parser('{"name": "Zoë"}'.encode(encoding)) == {"name": "Zoë"}


def test_fraction_is_a_float_for_jobs():
    value = parse(b"[3.50, 1e2, 7]")
    assert value == [3.5, 100.0, 7]
    assert [type(number) for number in value] == [float, float, int]


def test_fraction_is_an_exact_decimal_for_matching():
    value = parse_exact(b"[0.30000000000000004, 12345678901234567890.5, 7]")
    assert value == [Decimal("0.30000000000000004"), Decimal("12345678901234567890.5"), 7]
    assert [type(number) for number in value] == [Decimal, Decimal, int]


@both_parsers
def test_large_integer_is_exact(parser):
    assert parser(b"9007199254740993") == 9007199254740993


def test_number_beyond_float_is_text_for_jobs_and_exact_for_matching():
    assert parse(b'{"a": 1e400}') == {"a": "1e400"}
    assert parse_exact(b'{"a": 1e400}') == {"a": Decimal("1e400")}


@both_parsers
def test_nan_and_infinity_become_text(parser):
    assert parser(b"[NaN, Infinity, -Infinity]") == ["NaN", "Infinity", "-Infinity"]


@both_parsers
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The body is empty"),
        (b" \r\n\t", "The body is empty"),
        (b"\xef\xbb\xbf", "The body is empty"),
        (b'{"a": }', r"Expecting value \(line 1, column 7\)"),
        (b'{"a": 1}\n{"b": 2}', r"Extra data \(line 2, column 1\)"),
        (b'{"a": 1', "line 1, column 8"),
        (b"{'a': 1}", "line 1, column 2"),
        (b"hello", "line 1, column 1"),
        (b'{"a": "\x00"}', "line 1, column 8"),
        (b"9" * 5000, "too many digits"),
    ],
)
def test_unreadable_body_error_says_what_and_where(parser, content, message):
    with pytest.raises(UnreadableBody, match=message):
        parser(content)


@both_parsers
@pytest.mark.parametrize("content", [b'{"password": "s3cret" oops}', b"s3cret=1&", b"<a>s3cret"])
def test_errors_contain_nothing_of_the_body(parser, content):
    with pytest.raises(UnreadableBody) as caught:
        parser(content)
    assert "s3cret" not in str(caught.value)


@both_parsers
def test_200_levels_are_allowed(parser):
    assert json.dumps(parser(nested(200))).encode() == nested(200)


@both_parsers
@pytest.mark.parametrize("depth", [201, 1000, 100_000])
def test_deeper_nesting_is_unreadable(parser, depth):
    with pytest.raises(UnreadableBody, match="nested deeper than 200 levels"):
        parser(nested(depth))


@both_parsers
def test_brackets_in_text_and_siblings_do_not_count_as_depth(parser):
    flat = [{"text": "[" * 1000}] * 500
    assert parser(json.dumps(flat).encode()) == flat


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1E+999999999999999999999999"])
def test_exponent_beyond_decimal_is_unreadable(number):
    content = f'{{"a": {number}}}'.encode()
    with pytest.raises(UnreadableBody, match="too many digits"):
        parse_exact(content)


@both_parsers
def test_gzipped_body_is_expanded(parser):
    assert parser(gzip.compress(b'{"a": 1}', mtime=0)) == {"a": 1}


@both_parsers
@pytest.mark.parametrize("padding", [b"", b"\0", b"\0" * 600])
def test_all_members_of_a_gzipped_body_are_expanded(parser, padding):
    members = [b'{"a": [1', b"", b", 2" * 40_000, b"]}"]
    content = b"".join(map(gzip.compress, members)) + padding
    assert parser(content) == {"a": [1, *[2] * 40_000]}


@both_parsers
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"[1]", mtime=0) + b"[2]", "not gzip from byte 23 on"),
        (gzip.compress(b"[1", mtime=0) + gzip.compress(b",1]", mtime=0)[:-9], "truncated"),
        (gzip.compress(b"", mtime=0) * 1001, "1000 members"),
        (gzip.compress(b" " * 5_000_000, mtime=0) * 2, "8000000 bytes"),
    ],
)
def test_error_of_a_later_gzip_member_says_what(parser, content, message):
    with pytest.raises(UnreadableBody, match=message):
        parser(content)


@both_parsers
@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8bnot gzip",
        gzip.compress(b'{"a": 1}' * 100, mtime=0)[:-12],
        gzip.compress(b" " * 30_000_001, mtime=0),
    ],
    ids=["only its first bytes", "cut off", "a bomb"],
)
def test_invalid_gzip_is_unreadable(parser, content):
    with pytest.raises(UnreadableBody, match="gzip"):
        parser(content)


@both_parsers
def test_xml_is_converted_to_json(parser):
    content = b'<data id="7"><name>Amina</name><child>a</child><child>b</child></data>'
    value = {"data": {"@id": "7", "name": "Amina", "child": ["a", "b"]}}
    assert parser(content) == value
    assert parser(content, content_type_header("application/json")) == value


@both_parsers
@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=UTF-8", FORM.upper()])
def test_urlencoded_form_is_converted_to_json(parser, name, kind):
    form = {"name": "Amina K", "tag": ["a", "b"], "empty": ""}
    assert parser(b"name=Amina+K&tag=a&tag=b&empty=", {name: kind}) == form


@both_parsers
def test_form_without_its_content_type_is_unreadable(parser):
    with pytest.raises(UnreadableBody, match="not JSON"):
        parser(b"name=Amina")


@both_parsers
def test_broken_json_object_is_not_parsed_as_a_form(parser):
    with pytest.raises(UnreadableBody, match="not JSON"):
        parser(b'{"a": "x=1"', content_type_header(FORM))


@both_parsers
def test_multipart_form_is_converted_to_json(parser):
    content = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n'
    assert parser(content, content_type_header("multipart/form-data; boundary=B")) == {"a": "1"}


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b'name="content"\r\n\r\nrecord', "objects or lists"),
        (b"name=a" + b';"' * 900 + b"\r\n\r\n1", "parameters"),
    ],
)
def test_multipart_form_has_the_limits_of_other_bodies(start, reason):
    part = b"--XX\r\nContent-Disposition: form-data; "
    record = part + b'name="format"\r\n\r\njson\r\n' + part + b'name="data"\r\n\r\n['
    values = b"[]," * 200_001 + b"1]\r\n--XX--"
    with pytest.raises(UnreadableBody, match=reason):
        parse_exact(
            part + start + b"\r\n" + record + values,
            {"content-type": "multipart/form-data; boundary=XX"},
        )
