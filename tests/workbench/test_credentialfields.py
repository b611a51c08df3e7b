"""What a credential holds, as its adaptor says."""

from __future__ import annotations

import pytest

from tests.workbench.more.clinic import Configuration
from workbench.credentials.fields import (
    at,
    given,
    inserted,
    keys,
    mistakes,
    renamed,
    understood,
    unknown,
)

KEYS = {key.name: key for key in keys(Configuration)}
SECRET = "s3cr3t-Zm9v"


def test_the_keys_have_openfns_names_in_the_order_of_the_model():
    assert list(KEYS) == [
        *("hostUrl", "password", "access_token", "port", "mode", "ssl", "wards", "tls"),
        *("tls.ca", "tls.certFile", "tls.key"),
    ]


def test_a_key_says_whether_it_is_needed_and_secret_and_what_it_is_when_left_out():
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
    assert [name for name, key in KEYS.items() if key.holds] == ["tls"]


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
def test_what_is_typed_becomes_what_belongs_there(name, text, value):
    found = understood(KEYS[name], text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("port", "should be a valid integer"),
        ("mode", "'safe' or 'fast'"),
        ("wards", "should be a valid list"),
    ],
)
def test_what_does_not_belong_there_is_said_without_its_value(name, words):
    with pytest.raises(ValueError, match=words) as raised:
        understood(KEYS[name], SECRET)
    assert SECRET not in str(raised.value)


def test_a_mistake_names_the_key_and_not_its_value():
    assert mistakes(Configuration, {"hostUrl": "x", "password": "y"}) == ""
    wrong = mistakes(Configuration, {"password": SECRET, "port": SECRET, "tls": {"key": [SECRET]}})
    assert "hostUrl is missing." in wrong
    assert "port: " in wrong
    assert "tls.certFile is missing." in wrong
    assert SECRET not in wrong
    assert mistakes(Configuration, {"hostUrl": "x"}) == (
        "the credential needs password or access_token."
    )


def test_python_s_own_names_become_openfns():
    body = {"host_url": "x", "tls": {"cert_file": "y", "more": 1}, "mine": 2}
    assert renamed(Configuration, body) == {
        "hostUrl": "x",
        "tls": {"certFile": "y", "more": 1},
        "mine": 2,
    }


def test_a_key_the_adaptor_does_not_name_is_told_with_the_one_that_may_be_meant():
    told = list(unknown(Configuration, {"host_url": "x", "passwrod": "y", "HostURL": 1, "odd": 2}))
    assert [each.split("`")[1] for each in told] == ["passwrod", "HostURL", "odd"]
    assert [each.partition("did you mean ")[2] for each in told] == [
        "`password`?",
        "`hostUrl`?",
        "",
    ]


def test_the_keys_that_have_a_value_are_named_and_their_values_are_not():
    assert given({"a": SECRET, "tls": {"ca": SECRET, "key": None}, "b": None, "c": False}) == [
        *("a", "tls.ca", "c")
    ]


def test_a_value_is_put_at_a_path_and_taken_away_again():
    body = {"a": 1, "tls": {"ca": "x"}}
    assert inserted(body, ["tls", "key"], "y") == {"a": 1, "tls": {"ca": "x", "key": "y"}}
    assert inserted(body, ["tls", "ca"], None) == {"a": 1}
    assert inserted({"tls": "no"}, ["tls", "ca"], "y") == {"tls": {"ca": "y"}}
    assert (at(body, ["tls", "ca"]), at(body, ["a", "b"]), at(body, ["c"])) == ("x", None, None)
