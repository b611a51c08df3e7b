"""The options of a request, and mistakes that fail at the call."""

from __future__ import annotations

import inspect

import pytest

from adaptors.errors import ConfigurationError
from adaptors.http import delete, each_page, get, patch, post, put, request

WRITING = (post, put, patch, delete)


@pytest.mark.parametrize("call", [get, *WRITING, each_page])
def test_unknown_option_fails_at_the_call(call):
    with pytest.raises(TypeError, match="qeury"):
        call("things", qeury={"a": 1})


@pytest.mark.parametrize("call", [get, each_page])
@pytest.mark.parametrize("name", ["json", "form", "idempotency_key"])
def test_get_accepts_no_body_and_no_key(call, name):
    with pytest.raises(TypeError, match=name):
        call("things", **{name: "x"})


@pytest.mark.parametrize("call", WRITING)
@pytest.mark.parametrize(
    "bodies",
    [
        {"json": {}, "form": {}},
        {"json": 0, "text": ""},
        {"form": {}, "xml": "<a/>"},
        {"text": "a", "content": b"a"},
        {"files": {}, "json": {}},
        {"files": {}, "form": {}, "text": "a"},
        {"json": lambda _state: None, "form": {}},
    ],
    ids="+".join,
)
def test_two_bodies_fail_at_the_call(call, bodies):
    with pytest.raises(ConfigurationError) as caught:
        call("things", **bodies)
    assert "A request has one body, not " in str(caught.value)
    assert all(name in str(caught.value) for name in bodies)


def test_unknown_parse_as_fails_at_the_call():
    with pytest.raises(ConfigurationError, match="parse_as is one of auto, json, text, base64"):
        get("things", parse_as="yaml")


def test_signature_has_every_option_with_its_default():
    signature = inspect.signature(post)
    assert list(signature.parameters)[:2] == ["path", "json"]
    assert signature.parameters["timeout"].default == 60
    assert signature.parameters["idempotency_header"].default == "Idempotency-Key"
    assert signature.parameters["query"].annotation == "Mapping[str, Any] | Value"
    assert "form" in inspect.signature(request).parameters
    assert "form" not in inspect.signature(get).parameters
    assert {"next", "max_pages", "query"} <= inspect.signature(each_page).parameters.keys()
