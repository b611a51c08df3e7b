"""Properties of the inbox: it responds to any request and loses nothing it accepted."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openfn.messages import store as messages
from tests.conftest import ROOT
from workbench.local.stack import create_stack

EXAMPLES = settings().max_examples  # 100, or more under `make torture`
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
BODIES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    JSON.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.sampled_from([b"{", b"[[", b"<a>", b"<a/>", b"\x1f\x8b", b"--x\r\n", b"a=b", b"\xff\xfe{"]),
)
TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        'multipart/form-data; boundary="',
        "text/xml; charset=nonsense",
        "",
        "\u0000",
    ]
)


@pytest.fixture(scope="module")
def stack():
    with create_stack(ROOT / "project") as created:
        yield created


@settings(max_examples=4 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=BODIES,
    content_type=TYPES,
    query=st.text(max_size=40),
    method=st.sampled_from(["POST", "GET"]),
)
def test_every_request_has_a_response_and_accepted_bodies_are_stored(
    stack, body, content_type, query, method
):
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"]["id"] = stack.inbox_ids["field-data"]
    event["requestContext"]["http"]["method"] = method
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    event |= {"rawQueryString": query, "headers": {"content-type": content_type}}
    response = stack.invoke("inbox", event)
    assert response["statusCode"] in (200, 400)
    if method == "POST":
        message_id = response["headers"]["X-Message-Id"]
        assert messages.read([message_id])[message_id].body == body
        json.loads(response["body"])


@settings(max_examples=EXAMPLES * 3 // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=JSON)
def test_accepted_json_is_parsed_as_sent(stack, value):
    from openfn.messages import bodies  # noqa: PLC0415 - beside its use

    text = json.dumps(value, allow_nan=True)
    parsed = bodies.parse(text.encode())
    assert json.dumps(parsed) == json.dumps(json.loads(text, parse_constant=str))


@settings(max_examples=2 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(inbox_id=st.text(max_size=60))
def test_random_inbox_id_returns_404(stack, inbox_id):
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"]["id"] = inbox_id
    assert stack.invoke("inbox", event)["statusCode"] == 404
