"""Secrets are masked in the log and error of a run; similar words are not."""

from __future__ import annotations

import base64

import pytest

from openfn.jobs.secret_masking import mask

CREDENTIAL = {
    "baseUrl": "https://dhis2.example.org/api",
    "username": "amina",
    "password": "p@ss/w0rd: x",
    "nested": {"access_token": "tok-1234567890"},
    "apiKeys": ["k-000111222333"],
    "port": 443,
    "pin_key": "7",
}


@pytest.mark.parametrize(
    "secret",
    [
        "p@ss/w0rd: x",
        "p%40ss/w0rd%3A%20x",
        "p%40ss%2Fw0rd%3A%20x",
        "tok-1234567890",
        "k-000111222333",
        base64.b64encode(b"amina:p@ss/w0rd: x").decode(),
        base64.b64encode(b":tok-1234567890").decode(),
    ],
)
def test_secrets_are_masked_in_all_encoded_forms(secret):
    assert mask(f"before ({secret}) after", CREDENTIAL) == "before (***) after"


def test_other_values_are_not_masked():
    text = "amina at https://dhis2.example.org/api port 443, 7 visits"
    assert mask(text, CREDENTIAL) == text


def test_short_secrets_are_masked_as_whole_words_only():
    text = "the latest test of testing: test, 'test'"
    assert mask(text, {"password": "test"}) == "the latest *** of testing: ***, '***'"


def test_values_shorter_than_four_characters_are_not_masked():
    assert mask("a 123 b", {"password": "123"}) == "a 123 b"
    assert mask("", CREDENTIAL) == ""
    assert mask("x", {}) == "x"
