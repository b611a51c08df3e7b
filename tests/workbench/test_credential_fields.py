"""The keys of a credential, as its adaptor defines them."""

from __future__ import annotations

import pytest

from tests.workbench.more.clinic import Configuration
from workbench.credentials.fields import (
    describe_problems,
    keys_of,
    keys_with_values,
    parse_value,
    unknown_keys,
    value_at,
    with_public_names,
    with_value,
)

KEYS = {key.name: key for key in keys_of(Configuration)}
SECRET = "s3cr3t-Zm9v"


def test_keys_have_openfn_names_in_the_order_of_the_model():
    assert list(KEYS) == [
        *("hostUrl", "password", "access_token", "port", "mode", "ssl", "wards", "tls"),
        *("tls.ca", "tls.certFile", "tls.key"),
    ]


def test_key_knows_whether_it_is_required_and_secret_and_its_default():
    assert [name for name, key in KEYS.items() if key.required] == ["hostUrl"]
    assert [name for name, key in KEYS.items() if key.secret] == [
        *("password", "access_token", "tls.key")
    ]
    assert {name: key.default for name, key in KEYS.items() if key.default is not None} == {
        "port": 5432,
        "mode": "safe",
        "ssl": False,
        "wards": [],
    }
    assert KEYS["port"].description == "The port."
    assert [name for name, key in KEYS.items() if key.nested] == ["tls"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("hostUrl", "12", "12"),
        ("password", "12", "12"),
        ("password", "true", "true"),
        ("port", "5433", 5433),
        ("mode", "fast", "fast"),
        ("ssl", "true", True),
        ("ssl", "require", "require"),
        ("wards", '["a", "b"]', ["a", "b"]),
        ("tls.ca", "-----BEGIN\nx\n", "-----BEGIN\nx\n"),
    ],
)
def test_typed_text_is_parsed_for_its_key(name, text, value):
    parsed = parse_value(KEYS[name], text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("port", "Write a whole number, or press Enter."),
        ("mode", "Write safe or fast, or press Enter."),
        ("wards", "Write a list such as"),
    ],
)
def test_invalid_value_is_an_error_that_does_not_quote_it(name, message):
    with pytest.raises(ValueError, match=message) as raised:
        parse_value(KEYS[name], SECRET)
    assert SECRET not in str(raised.value)


def test_problem_names_the_key_and_not_its_value():
    assert describe_problems(Configuration, {"hostUrl": "x", "password": "y"}) == ""
    body = {"password": SECRET, "port": SECRET, "tls": {"key": [SECRET]}}
    problems = describe_problems(Configuration, body)
    assert "`hostUrl` is missing." in problems
    assert "`port` must be a whole number." in problems
    assert "`tls.certFile` is missing." in problems
    assert SECRET not in problems
    assert describe_problems(Configuration, {"hostUrl": "x"}) == (
        "The credential needs password or access_token."
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"hostUrl": 7}, "`hostUrl` must be text."),
        ({"port": 0}, "`port` must be 1 or more."),
        ({"mode": "slow"}, "`mode` must be safe or fast."),
        ({"wards": "a"}, '`wards` must be a list such as ["a", "b"].'),
        ({"tls": 7}, "`tls` must be a JSON object."),
    ],
)
def test_problem_describes_what_a_key_accepts(change, problem):
    body = {"hostUrl": "x", "password": "y", **change}
    assert describe_problems(Configuration, body) == problem


def test_python_names_become_openfn_names():
    body = {"host_url": "x", "tls": {"cert_file": "y", "more": 1}, "mine": 2}
    assert with_public_names(Configuration, body) == {
        "hostUrl": "x",
        "tls": {"certFile": "y", "more": 1},
        "mine": 2,
    }


def test_unknown_key_is_reported_with_a_suggestion():
    body = {"host_url": "x", "passwrod": "y", "HostURL": 1, "odd": 2}
    messages = [message for _, message in unknown_keys(Configuration, body)]
    assert [message.split("`")[1] for message in messages] == ["passwrod", "HostURL", "odd"]
    assert [message.partition("Did you mean ")[2] for message in messages] == [
        "`password`?",
        "`hostUrl`?",
        "",
    ]


def test_keys_with_values_are_named_without_their_values():
    assert keys_with_values(
        {"a": SECRET, "tls": {"ca": SECRET, "key": None}, "b": None, "c": False}
    ) == [*("a", "tls.ca", "c")]


def test_value_is_set_and_removed_at_a_path():
    body = {"a": 1, "tls": {"ca": "x"}}
    assert with_value(body, ["tls", "key"], "y") == {"a": 1, "tls": {"ca": "x", "key": "y"}}
    assert with_value(body, ["tls", "ca"], None) == {"a": 1}
    assert with_value({"tls": "no"}, ["tls", "ca"], "y") == {"tls": {"ca": "y"}}
    assert value_at(body, ["tls", "ca"]) == "x"
    assert value_at(body, ["a", "b"]) is None
    assert value_at(body, ["c"]) is None
