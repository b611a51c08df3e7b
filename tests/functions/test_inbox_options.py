"""The options of an inbox: deduplication and size limits; and bodies of every format."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from openfn.log_events import LogEvent
from openfn.messages import bodies
from tests.conftest import post
from tests.support import stack_client
from tests.support.stored_messages import message_id_of, stored_message
from tests.support.transaction_conflict import refuse_once
from workbench.local.sample_posts import POSTS

JOB = "from adaptors.common import fn\nfn(lambda state: state)\n"


@pytest.fixture
def by_uuid(create_job_stack):
    """A stack whose inbox stores a record once by its `_uuid`."""
    return create_job_stack(JOB, options="dedupe: _uuid, max_bytes: 2000")


def test_repeated_record_is_acknowledged_and_stored_once(by_uuid, log_lines):
    first = post(by_uuid, '{"_uuid": "a", "version": 1}')
    repeated = post(by_uuid, '{"_uuid": "a", "version": 2}')
    assert (repeated["statusCode"], repeated["body"]) == (200, "{}")
    assert message_id_of(repeated) == message_id_of(first)
    assert stored_message(first).body == b'{"_uuid": "a", "version": 1}'
    by_uuid.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1
    assert [event.get("kept") for event in log_lines.events(LogEvent.MESSAGE_STORED)] == [
        None,
        "before",
    ]


def test_conflict_of_two_identical_posts_at_once_is_no_failure(by_uuid):
    with refuse_once("TransactWriteItems") as calls:
        assert post(by_uuid, '{"_uuid": "a"}')["statusCode"] == 200
    assert len(calls) == 2


@pytest.mark.parametrize("body", ["{}", '{"_uuid": null}', '{"_uuid": ""}', "[1]", '{"_uuid": {}}'])
def test_record_without_the_dedupe_value_is_always_stored(by_uuid, body):
    assert message_id_of(post(by_uuid, body)) != message_id_of(post(by_uuid, body))


def test_values_of_different_types_are_different_records(by_uuid):
    ids = {
        message_id_of(post(by_uuid, json.dumps({"_uuid": value})))
        for value in ("1", 1, True, "True")
    }
    assert len(ids) == 4


def test_repeated_record_is_queued_if_its_first_post_was_not(by_uuid, log_lines):
    sqs, url = (
        stack_client.client("sqs"),
        by_uuid.resources.functions["inbox"].environment["MATCH_QUEUE_URL"],
    )
    post(by_uuid, '{"_uuid": "a"}')
    sqs.purge_queue(QueueUrl=url)  # as if the function had stopped between the two calls
    by_uuid.drain()
    assert log_lines.events(LogEvent.RUN_SUCCEEDED) == []
    post(by_uuid, '{"_uuid": "a"}')
    by_uuid.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 1


def test_unreadable_body_does_not_block_a_record(by_uuid):
    for content in ("str:a", "value str\na", "a"):
        assert post(by_uuid, content)["statusCode"] == 400
    response = post(by_uuid, '{"_uuid": "a"}')
    assert stored_message(response).body == b'{"_uuid": "a"}'


def test_record_is_stored_repeated_after_the_retention_period(by_uuid):
    first = message_id_of(post(by_uuid, '{"_uuid": "a"}'))
    dynamodb, table = stack_client.client("dynamodb"), by_uuid.resources.physical_ids["Table"]
    for item in dynamodb.scan(TableName=table)["Items"]:  # expired, but not deleted yet
        item["expires"] = {"N": "1"}
        dynamodb.put_item(TableName=table, Item=item)
    assert message_id_of(post(by_uuid, '{"_uuid": "a"}')) != first


def test_body_above_the_limit_of_the_inbox_returns_413(by_uuid):
    assert post(by_uuid, json.dumps({"a": "x" * 1900}))["statusCode"] == 200
    response = post(by_uuid, json.dumps({"a": "x" * 2000}))
    assert response["statusCode"] == 413
    assert "The limit is 2000" in response["body"]


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
        (b"name=Zo%E9", FORM, {"name": "Zoé"}),
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
def test_body_of_every_format_is_accepted_and_stored_unchanged(stack, body, content_type, value):
    headers = {"content-type": content_type}
    response = post(stack, body, inbox="field-data", headers=headers)
    assert response["statusCode"] == 200
    message = stored_message(response)
    assert message.body == body
    if value is not None:
        assert bodies.parse(message.body, message.headers) == value


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"[" * 300 + b"]" * 300, "", "200 levels"),
        (b"<a>" * 300 + b"</a>" * 300, "", "200 levels"),
        (b"<a><b></a>", "", "line 1, column 9"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "", "document type"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "", "document type"),
        (b"<!DOCTYPE a [<!ATTLIST b c CDATA 'x'>]><a><b/></a>", "", "document type"),
        (b"<!DOCTYPE a><a/>", "", "document type"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "", "document type"),
        (b"<?xml version='1.0' encoding='no-such'?><!DOCTYPE a><a/>", "", "document type"),
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
def test_almost_valid_body_returns_400_with_the_reason(stack, body, content_type, text):
    response = post(stack, body, inbox="field-data", headers={"content-type": content_type})
    assert response["statusCode"] == 400
    assert text in json.loads(response["body"])["error"]


def test_json_in_a_form_of_aggregate_has_exact_numbers(stack):
    part = b'--XX\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    pairs = [(b"content", b"record"), (b"format", b"json"), (b"data", b'{"a": 0.1, "b": NaN}')]
    body = b"".join(part % pair for pair in pairs) + b"--XX--\r\n"
    parsed = bodies.parse_exact(body, {"content-type": MULTIPART})
    assert parsed["data"] == {"a": Decimal("0.1"), "b": "NaN"}


def test_names_of_form_fields_may_have_accents(stack):
    body = '--XX\r\nContent-Disposition: form-data; name="prénom"\r\n\r\nZoé\r\n--XX--'.encode()
    assert bodies.parse(body, {"content-type": MULTIPART}) == {"prénom": "Zoé"}


def test_gzip_bomb_returns_400_and_is_stored_unchanged(stack):
    import gzip  # noqa: PLC0415 - beside its use

    bomb = gzip.compress(b" " * 40_000_000)
    response = post(stack, bomb, inbox="field-data")
    assert response["statusCode"] == 400
    assert "expands" in response["body"]
    assert stored_message(response).body == bomb


def test_all_wrong_ids_are_logged_alike(stack, log_lines):
    for inbox_id in ("", "x", stack.inbox_ids["commcare"][:-1], stack.inbox_ids["commcare"] + "x"):
        response = post(stack, POSTS[0].body, inbox=inbox_id)
        assert response["statusCode"] == 404
    lines = [line for _, line in log_lines if LogEvent.MESSAGE_REFUSED in line]
    assert len({json.dumps(json.loads(line) | {"timestamp": ""}) for line in lines}) == 1
