"""What an inbox does with other methods than POST, challenges of services, and fixed responses."""

from __future__ import annotations

import json
import re

import pytest
import requests

from openfn.log_events import LogEvent
from tests.conftest import LogLines, post, write_project
from tests.support import stack_client
from tests.support.stored_messages import message_id_of, stored_message
from workbench.local.stack import create_stack

PROJECT = """
inboxes:
  plain: {id_sha256: "ID1"}
  sms: {id_sha256: "ID2", accept: [get], dedupe: id}
  whatsapp: {id_sha256: "ID3", auth: {api_key: login}, challenge: {meta: verify}, accept: [get]}
  chat: {id_sha256: "ID4", challenge: {slack: verify}}
  graph: {id_sha256: "ID5", auth: {api_key: login}, challenge: microsoft}
  smssync: {id_sha256: "ID6", response: {json: {payload: {success: true, error: null}}}}
  twilio: {id_sha256: "ID7", response: {xml: "<Response><Message>Asante é</Message></Response>"}}
  pesa: {id_sha256: "ID8", dedupe: id, response: {json: {ResultCode: 0}}}
  gateway: {id_sha256: "ID9", accept: get, response: {text: "OK"}}
triggers:
  registration: {inbox: sms, inclusion: {text: REG Amina}}
jobs:
  register: {trigger: registration, expression: jobs/register.py}
"""
SALESFORCE = '{"from": "http://soap.sforce.com/2005/09/outbound"}'


@pytest.fixture(scope="module")
def lines():
    return LogLines()


@pytest.fixture(scope="module")
def inboxes(tmp_path_factory, lines):
    """A stack with an inbox for each kind of response."""
    folder = tmp_path_factory.mktemp("project")
    text = re.sub("ID([0-9])", lambda match: match[1] * 64, PROJECT)
    write_project(folder, text, {"register": "from adaptors.common import fn\nfn(lambda s: s)"})
    with create_stack(folder, lines.record) as stack:
        client = stack_client.client("secretsmanager")
        client.create_secret(Name="openfn/inboxes/verify", SecretString='{"token": "right"}')
        client.create_secret(Name="openfn/inboxes/login", SecretString='{"key": "key"}')
        yield stack


@pytest.fixture
def send(inboxes, lines):
    """Send a request to an inbox and return its response."""
    lines.clear()

    def send(inbox, method="GET", query="", body="", headers=None):
        event = {"requestContext": {"http": {"method": method}}, "rawQueryString": query}
        return post(inboxes, body, inbox, headers=headers or {}, **event)

    return send


def _is_stored(response):
    return "X-Message-Id" in response["headers"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_are_messages(send, method):
    message = stored_message(send("plain", method, body='{"id": 1}'))
    assert (message.method, message.body) == (method, b'{"id": 1}')


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_api_gateway_routes_put_and_patch_to_the_inbox(inboxes, method):
    with inboxes.serving() as urls:
        response = requests.request(method, urls["plain"], data=b"{}", timeout=10)
    assert (response.status_code, response.text) == (200, "{}")
    assert "X-Message-Id" in response.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("inbox", ["plain", "sms", "smssync", "graph"])
def test_get_and_head_without_a_query_are_no_messages(send, inbox, method):
    response = send(inbox, method, headers={"x-api-key": "key"})
    assert (response["statusCode"], response["body"]) == (200, "{}")
    assert not _is_stored(response)


def test_query_of_a_get_is_the_body_of_a_message(send, inboxes, lines):
    query = "id=7&from=%2B254700000001&text=REG+Amina&tag=a&tag=b&empty="
    response = send("sms", query=query)
    message = stored_message(response)
    body = {"id": "7", "from": "+254700000001", "text": "REG Amina", "tag": ["a", "b"], "empty": ""}
    assert json.loads(message.body) == body
    assert (message.method, message.query_params) == ("GET", body)
    inboxes.drain()
    (run,) = lines.events(LogEvent.RUN_SUCCEEDED)
    assert run["job"] == "register"
    assert message_id_of(send("sms", query=query)) == message_id_of(response)


@pytest.mark.parametrize(
    ("query", "name"), [("text=Zo%C3%A9", "Zoé"), ("text=Zo%E9", "Zoé"), ("text=50%", "50%")]
)
def test_query_is_utf_8_or_iso_8859_1(send, query, name):
    assert json.loads(stored_message(send("sms", query=query)).body) == {"text": name}


def test_content_type_of_a_get_does_not_change_how_its_query_is_read(send):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert stored_message(send("gateway", query="a=1", headers=headers)).body == b'{"a":"1"}'


def test_body_of_a_get_is_the_body_of_a_message(send):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = send("gateway", "GET", "key=1", "text=REG+Amina", headers)
    assert stored_message(response).body == b"text=REG+Amina"
    assert not _is_stored(send("plain", "GET", body="text=REG"))


@pytest.mark.parametrize(("inbox", "method"), [("plain", "GET"), ("sms", "HEAD")])
def test_query_that_is_not_accepted_is_counted_and_logged(send, lines, inbox, method):
    response = send(inbox, method, "from=%2B254700000001&text=REG+Amina")
    assert (response["statusCode"], response["body"]) == (200, "{}")
    assert not _is_stored(response)
    (event,) = lines.events(LogEvent.QUERY_IGNORED)
    assert (event["inbox"], event["method"]) == (inbox, method)
    assert any('"QueriesIgnored":[1.0]' in line.replace(" ", "") for _, line in lines)


META = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
SLACK = '{"token": "%s", "challenge": "3eZbrw1a", "type": "url_verification"}'


@pytest.mark.parametrize(
    ("inbox", "method", "query", "body", "text"),
    [
        ("whatsapp", "GET", f"{META}right", "", "1158201444"),
        ("chat", "POST", "", SLACK % "right", "3eZbrw1a"),
        (
            "graph",
            "POST",
            "validationToken=Validation%3A+Testing%3Cb%3E",
            "",
            "Validation: Testing<b>",
        ),
        ("graph", "POST", "validationtoken=sharepoint", "", "sharepoint"),
    ],
)
def test_challenge_is_echoed_as_plain_text_and_is_no_message(
    send, lines, inbox, method, query, body, text
):
    response = send(inbox, method, query, body)
    assert (response["statusCode"], response["body"]) == (200, text)
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    assert response["headers"] == headers
    assert lines.events(LogEvent.MESSAGE_STORED) + lines.events(LogEvent.QUERY_IGNORED) == []


@pytest.mark.parametrize("token", ["wrong", "", "right%00", "rigth&hub.verify_token=right"])
def test_challenge_with_a_wrong_token_gets_403_and_no_echo(send, lines, token):
    response = send("whatsapp", "GET", META + token)
    assert response["statusCode"] == 403
    assert "1158201444" not in response["body"]
    assert lines.events(LogEvent.MESSAGE_STORED) == []
    assert send("chat", "POST", "", SLACK % "wrong")["statusCode"] == 403


def test_challenge_is_echoed_up_to_one_kilobyte(send):
    assert send("graph", "POST", f"validationToken={'x' * 1024}")["statusCode"] == 200
    response = send("graph", "POST", f"validationToken={'x' * 1025}")
    assert (response["statusCode"], _is_stored(response)) == (400, False)


@pytest.mark.parametrize(("length", "status"), [(1024, 200), (1025, 400), (9000, 400)])
def test_a_long_challenge_of_slack_is_no_message(send, length, status):
    content = {"token": "right", "challenge": "x" * length, "type": "url_verification"}
    response = send("chat", "POST", body=json.dumps(content))
    assert (response["statusCode"], _is_stored(response)) == (status, False)


def test_other_posts_to_an_inbox_with_a_challenge_are_messages(send):
    for body in ('{"type": "url_verification"}', '{"challenge": "a"}', '"url_verification"'):
        assert stored_message(send("chat", "POST", body=body)).body == body.encode()
    assert send("whatsapp", "POST", body="{}")["statusCode"] == 401
    assert send("whatsapp", "GET", "a=1")["statusCode"] == 401
    assert not _is_stored(send("plain", "GET", f"{META}right"))


@pytest.mark.parametrize(
    ("inbox", "content_type", "body"),
    [
        ("smssync", "application/json", '{"payload": {"success": true, "error": null}}'),
        (
            "twilio",
            "text/xml; charset=utf-8",
            "<Response><Message>Asante é</Message></Response>",
        ),
        ("gateway", "text/plain; charset=utf-8", "OK"),
    ],
)
def test_fixed_response_is_sent_for_every_stored_message(send, inbox, content_type, body):
    for content in ("{}", SALESFORCE):
        response = send(inbox, "POST", body=content)
        assert (response["statusCode"], response["body"]) == (200, body)
        assert response["headers"]["Content-Type"] == content_type
        assert stored_message(response).body == content.encode()


def test_fixed_response_is_also_that_of_a_repeated_message_and_an_accepted_get(send):
    for _ in range(2):
        assert send("pesa", "POST", body='{"id": "a"}')["body"] == '{"ResultCode": 0}'
    assert send("gateway", "GET", "text=a")["body"] == "OK"
    assert send("smssync", "POST", body="{broken")["statusCode"] == 400
