"""What the bytes of a message mean."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import pytest

from openfn.errors import UnreadableBody
from openfn.messages.bodies import parse, parse_exact

FORM = "application/x-www-form-urlencoded"
either = pytest.mark.parametrize("read", [parse, parse_exact], ids=["parse", "parse_exact"])


def labelled(kind):
    return {"Content-Type": kind}


def nested(depth):
    return b"[" * depth + b"]" * depth


@either
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
def test_json_is_read_as_json(read, content, value):
    assert read(content) == value


@either
@pytest.mark.parametrize("kind", ["", "text/plain", FORM, "application/xml", "nonsense"])
def test_json_is_read_as_json_whatever_its_label_says(read, kind):
    assert read(b'{"a": "b=c"}', labelled(kind)) == {"a": "b=c"}


@either
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1", "utf-16", "utf-32"])
def test_text_is_understood_in_the_encodings_sources_send(read, encoding):
    assert read('{"name": "Zoë"}'.encode(encoding)) == {"name": "Zoë"}


def test_for_a_job_a_fraction_is_a_float():
    value = parse(b"[3.50, 1e2, 7]")
    assert value == [3.5, 100.0, 7]
    assert [type(each) for each in value] == [float, float, int]


def test_for_matching_a_fraction_keeps_all_its_digits():
    value = parse_exact(b"[0.30000000000000004, 12345678901234567890.5, 7]")
    assert value == [Decimal("0.30000000000000004"), Decimal("12345678901234567890.5"), 7]
    assert [type(each) for each in value] == [Decimal, Decimal, int]


@either
def test_a_large_integer_keeps_all_its_digits(read):
    assert read(b"9007199254740993") == 9007199254740993


def test_a_number_too_large_for_a_float_is_a_text_for_a_job_and_exact_for_matching():
    assert parse(b'{"a": 1e400}') == {"a": "1e400"}
    assert parse_exact(b'{"a": 1e400}') == {"a": Decimal("1e400")}


@either
def test_a_number_that_json_does_not_have_is_read_as_a_text(read):
    assert read(b"[NaN, Infinity, -Infinity]") == ["NaN", "Infinity", "-Infinity"]


@either
@pytest.mark.parametrize(
    ("content", "where"),
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
def test_what_cannot_be_read_says_what_is_wrong_and_where(read, content, where):
    with pytest.raises(UnreadableBody, match=where):
        read(content)


@either
@pytest.mark.parametrize("content", [b'{"password": "s3cret" oops}', b"s3cret=1&", b"<a>s3cret"])
def test_an_error_does_not_quote_the_body(read, content):
    with pytest.raises(UnreadableBody) as caught:
        read(content)
    assert "s3cret" not in str(caught.value)


@either
def test_depth_is_allowed_up_to_200_levels(read):
    assert json.dumps(read(nested(200))).encode() == nested(200)


@either
@pytest.mark.parametrize("depth", [201, 1000, 100_000])
def test_what_is_nested_too_deeply_is_unreadable(read, depth):
    with pytest.raises(UnreadableBody, match="nested deeper than 200 levels"):
        read(nested(depth))


@either
def test_brackets_inside_texts_and_side_by_side_are_no_depth(read):
    flat = [{"text": "[" * 1000}] * 500
    assert read(json.dumps(flat).encode()) == flat


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1E+999999999999999999999999"])
def test_a_number_that_python_cannot_hold_crashes_nothing(number):
    content = f'{{"a": {number}}}'.encode()
    with pytest.raises(UnreadableBody, match="too many digits"):
        parse_exact(content)


@either
def test_a_gzipped_body_is_unpacked(read):
    assert read(gzip.compress(b'{"a": 1}')) == {"a": 1}


@either
@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8bnot gzip",
        gzip.compress(b'{"a": 1}' * 100)[:-12],
        gzip.compress(b" " * 30_000_001),
    ],
    ids=["only its first bytes", "cut off", "a bomb"],
)
def test_a_gzipped_body_that_cannot_be_unpacked_says_so(read, content):
    with pytest.raises(UnreadableBody, match="gzip"):
        read(content)


@either
def test_xml_is_read_as_json(read):
    content = b'<data id="7"><name>Amina</name><child>a</child><child>b</child></data>'
    value = {"data": {"@id": "7", "name": "Amina", "child": ["a", "b"]}}
    assert read(content) == value
    assert read(content, labelled("application/json")) == value


@either
@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=UTF-8", FORM.upper()])
def test_a_form_is_read_as_json(read, name, kind):
    form = {"name": "Amina K", "tag": ["a", "b"], "empty": ""}
    assert read(b"name=Amina+K&tag=a&tag=b&empty=", {name: kind}) == form


@either
def test_a_form_without_its_label_is_unreadable(read):
    with pytest.raises(UnreadableBody, match="not JSON"):
        read(b"name=Amina")


@either
def test_a_broken_json_object_labelled_as_a_form_is_not_taken_for_one(read):
    with pytest.raises(UnreadableBody, match="not JSON"):
        read(b'{"a": "x=1"', labelled(FORM))


@either
def test_a_multipart_form_is_read_as_json(read):
    content = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n'
    assert read(content, labelled("multipart/form-data; boundary=B")) == {"a": "1"}
