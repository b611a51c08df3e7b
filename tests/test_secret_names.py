"""The names that hold a secret: one list in the core layer and one in the adaptors' agree."""

from __future__ import annotations

import pytest

from adaptors._http import redaction as adaptors_redaction
from openfn.storage import redaction

SECRET = [
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "X-Api-Key",
    "X-Api-Token",
    "X-Session-Id",
    "X-Passphrase",
    "X-Pwd",
    "X-Hub-Signature-256",
    "access_token",
    "apiKeys",
    "clientSecret",
    "passphrase",
    "password",
    "pat",
    "PAT",
    "pin_key",
    "privateKey",
    "pwd",
    "session",
    "sessionId",
    "userPassword",
]
HARMLESS = [
    "Accept",
    "Content-Type",
    "Idempotency-Key",
    "User-Agent",
    "X-OpenRosa-Version",
    "X-Request-Id",
    "authType",
    "baseUrl",
    "keyword",
    "path",
    "pattern",
    "port",
    "user",
    "username",
]
LAYERS = [redaction, adaptors_redaction]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", SECRET)
def test_name_with_a_secret_word_is_secret(layer, name):
    assert layer.is_secret_name(name)
    assert layer.is_secret_name(name.upper())


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", HARMLESS)
def test_other_name_is_not_secret(layer, name):
    assert not layer.is_secret_name(name)


def test_every_secret_word_alone_is_a_secret_name():
    for layer in LAYERS:
        assert [word for word in layer.SECRET_WORDS if not layer.is_secret_name(word)] == []


def test_layers_have_the_same_secret_words():
    assert {tuple(layer.SECRET_WORDS) for layer in LAYERS} == {redaction.SECRET_WORDS}
