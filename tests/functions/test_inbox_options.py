"""The options of an inbox: records kept once, bodies of limited size, bodies of every form."""

from __future__ import annotations

import json
from decimal import Decimal

import boto3
import pytest

from openfn.log_events import LogEvent
from openfn.messages import bodies
from openfn.messages import store as messages
from tests.conftest import post
from workbench.local.sample_posts import POSTS

JOB = "from adaptors.common import fn\nfn(lambda state: state)\n"


@pytest.fixture
def by_uuid(create_job_stack):
    """A stack whose inbox keeps a record once by its `_uuid`."""
    return create_job_stack(JOB, options="dedupe: _uuid, max_bytes: 2000")


def _id(answer):
    return answer["headers"]["X-Message-Id"]


def test_a_record_that_comes_again_is_acknowledged_and_kept_once(by_uuid, log_lines):
    first = post(by_uuid, '{"_uuid": "a", "version": 1}')
    again = post(by_uuid, '{"_uuid": "a", "version": 2}')
    assert (again["statusCode"], again["body"]) == (200, "{}")
    assert _id(again) == _id(first)
    assert messages.read([_id(first)])[_id(first)].body == b'{"_uuid": "a", "version": 1}'
    by_uuid.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1
    assert [event.get("kept") for event in log_lines.events(LogEvent.MESSAGE_STORED)] == [
        None,
        "before",
    ]


@pytest.mark.parametrize("body", ["{}", '{"_uuid": null}', '{"_uuid": ""}', "[1]", '{"_uuid": {}}'])
def test_a_record_without_the_value_is_kept_each_time(by_uuid, body):
    assert _id(post(by_uuid, body)) != _id(post(by_uuid, body))


def test_values_of_different_types_are_different(by_uuid):
    ids = {_id(post(by_uuid, json.dumps({"_uuid": value}))) for value in ("1", 1, True, "True")}
    assert len(ids) == 4


def test_a_record_whose_first_post_ended_before_it_was_queued_runs_when_it_comes_again(
    by_uuid, log_lines
):
    sqs, url = (
        boto3.client("sqs"),
        by_uuid.resources.functions["inbox"].environment["MATCH_QUEUE_URL"],
    )
    post(by_uuid, '{"_uuid": "a"}')
    sqs.purge_queue(QueueUrl=url)  # as if the function had died between the two
    by_uuid.drain()
    assert log_lines.events(LogEvent.RUN_SUCCEEDED) == []
    post(by_uuid, '{"_uuid": "a"}')
    by_uuid.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1


def test_content_that_cannot_be_read_takes_no_record_s_place(by_uuid):
    for content in ("str:a", "value str\na", "a"):
        assert post(by_uuid, content)["statusCode"] == 400
    answer = post(by_uuid, '{"_uuid": "a"}')
    assert messages.read([_id(answer)])[_id(answer)].body == b'{"_uuid": "a"}'


def test_a_record_that_comes_after_the_retention_period_is_kept_anew(by_uuid):
    first = _id(post(by_uuid, '{"_uuid": "a"}'))
    dynamodb, table = boto3.client("dynamodb"), by_uuid.resources.physical_ids["Table"]
    for item in dynamodb.scan(TableName=table)["Items"]:  # expired, and not deleted yet
        item["expires"] = {"N": "1"}
        dynamodb.put_item(TableName=table, Item=item)
    assert _id(post(by_uuid, '{"_uuid": "a"}')) != first


def test_an_inbox_s_own_limit_holds(by_uuid):
    assert post(by_uuid, json.dumps({"a": "x" * 1900}))["statusCode"] == 200
    answer = post(by_uuid, json.dumps({"a": "x" * 2000}))
    assert answer["statusCode"] == 413
    assert "The limit is 2000" in answer["body"]


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"
PARTS = (
    b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="f"; filename="p.bin"\r\n'
    b"Content-Type: image/png\r\n\r\n\x00\r\n\xff\r\n--XX--\r\n"
)


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b"[1, 2]", "", [1, 2]),
        (b'"text"', "", "text"),
        (b"null", "", None),
        (b"7.50", "", 7.5),
        (b'{"a": NaN, "b": -Infinity}', "", {"a": "NaN", "b": "-Infinity"}),
        (b'{"a": 1, "a": 2}', "", {"a": 2}),
        (b'{"a": "\\ud800", "b": "\\u0000"}', "", {"a": "\ud800", "b": "\u0000"}),
        (b'{"a": 12345678901234567890}', "", {"a": 12345678901234567890}),
        (b'{"a": 1e400}', "", {"a": "1e400"}),
        (b"[" * 100 + b"]" * 100, "", None),
        ('{"a": "é"}'.encode("utf-16"), "", {"a": "é"}),
        (b'\xef\xbb\xbf{"a": 1}', "", {"a": 1}),
        (b'{"a": 1}', "text/xml", {"a": 1}),
        (b"a=1&b=x+y%21&a=2&c=", FORM, {"a": ["1", "2"], "b": "x y!", "c": ""}),
        ("a=é".encode("iso-8859-1"), FORM, {"a": "é"}),
        (b"<a x='1'>t<b/><b>2</b></a>", "", {"a": {"@x": "1", "b": [None, "2"], "#text": "t"}}),
        (
            "<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>".encode("iso-8859-1"),
            "",
            {"a": "é"},
        ),
        ("<a>é</a>".encode("iso-8859-1"), "text/xml", {"a": "é"}),
        (b"<?xml version='1.0' encoding='no-such'?><a>x</a>", "", {"a": "x"}),
        (b"<p:a xmlns:p='u'><p:b>1</p:b></p:a>", "", {"a": {"@xmlns:p": "u", "b": "1"}}),
        (
            PARTS,
            MULTIPART,
            {"a": "1", "f": {"filename": "p.bin", "type": "image/png", "bytes": "AA0K/w=="}},
        ),
    ],
)
def test_a_body_of_every_form_is_read_and_its_bytes_are_kept(stack, body, content_type, value):
    headers = {"content-type": content_type}
    answer = post(stack, body, inbox="field-data", headers=headers)
    assert answer["statusCode"] == 200
    message = messages.read([_id(answer)])[_id(answer)]
    assert message.body == body
    if value is not None:
        assert bodies.parse(message.body, message.headers) == value


@pytest.mark.parametrize(
    ("body", "content_type", "what"),
    [
        (b"[" * 300 + b"]" * 300, "", "200 levels"),
        (b"<a>" * 300 + b"</a>" * 300, "", "200 levels"),
        (b"<a><b></a>", "", "line 1, column 9"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "", "entities"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "", "entities"),
        (b"hello", FORM, "no name=value"),
        (b"{broken=1", FORM, "not JSON"),
        (b"&".join(b"a=1" for _ in range(20_000)), FORM, "10000 fields"),
        (b"no parts", MULTIPART, "has no parts"),
        (b"--XX\r\n\r\nno name\r\n--XX--", MULTIPART, "no name"),
        (b"\x1f\x8bnot gzip", "", "gzip"),
        (b"[" + b"[]," * 250_000 + b"1]", "", "200000"),
        (b"<a>" + b"<b/>" * 250_000 + b"</a>", "", "200000"),
        (b"--XX\r\n", "multipart/form-data; boundary*0=X; boundary*=X", "cannot be parsed"),
    ],
)
def test_a_body_that_is_nearly_something_is_a_400_that_says_what(stack, body, content_type, what):
    answer = post(stack, body, inbox="field-data", headers={"content-type": content_type})
    assert answer["statusCode"] == 400
    assert what in json.loads(answer["body"])["error"]


def test_aggregate_s_json_in_a_form_is_matched_exactly_too(stack):
    part = b'--XX\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    pairs = [(b"content", b"record"), (b"format", b"json"), (b"data", b'{"a": 0.1, "b": NaN}')]
    body = b"".join(part % pair for pair in pairs) + b"--XX--\r\n"
    parsed = bodies.parse_exact(body, {"content-type": MULTIPART})
    assert parsed["data"] == {"a": Decimal("0.1"), "b": "NaN"}


def test_names_of_a_form_may_have_accents(stack):
    body = '--XX\r\nContent-Disposition: form-data; name="prénom"\r\n\r\nZoé\r\n--XX--'.encode()
    assert bodies.parse(body, {"content-type": MULTIPART}) == {"prénom": "Zoé"}


def test_a_gzip_bomb_is_a_400_and_is_kept_as_it_came(stack):
    import gzip  # noqa: PLC0415 - beside its use

    bomb = gzip.compress(b" " * 40_000_000)
    answer = post(stack, bomb, inbox="field-data")
    assert answer["statusCode"] == 400
    assert "expands" in answer["body"]
    assert messages.read([_id(answer)])[_id(answer)].body == bomb


def test_a_wrong_id_takes_the_same_path_whatever_is_wrong_with_it(stack, log_lines):
    for inbox_id in ("", "x", stack.inbox_ids["commcare"][:-1], stack.inbox_ids["commcare"] + "x"):
        answer = post(stack, POSTS[0].body, inbox=inbox_id)
        assert answer["statusCode"] == 404
    lines = [line for _, line in log_lines if LogEvent.MESSAGE_REFUSED in line]
    assert len({json.dumps(json.loads(line) | {"timestamp": ""}) for line in lines}) == 1
