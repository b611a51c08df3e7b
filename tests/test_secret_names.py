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
    "PIN",
    "X-Pin",
    "access_token",
    "apiKeys",
    "clientSecret",
    "credentials",
    "db_pass",
    "passphrase",
    "password",
    "pass",
    "passwd",
    "pat",
    "PAT",
    "pin_code",
    "pin_key",
    "privateKey",
    "pwd",
    "session",
    "sessionId",
    "userPassword",
    "userpass",
]
HARMLESS = [
    "Accept",
    "Content-Type",
    "Idempotency-Key",
    "User-Agent",
    "X-OpenRosa-Version",
    "X-Request-Id",
    "X-Passenger",
    "authType",
    "auth_type",
    "baseUrl",
    "bypass",
    "keyword",
    "mapping",
    "oauth2",
    "passport",
    "path",
    "pattern",
    "pinned",
    "port",
    "shipping",
    "client_auth",
    "tokenUrl",
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
        words = (*layer.SECRET_WORDS, *layer.SHORT_SECRET_WORDS)
        assert [word for word in words if not layer.is_secret_name(word)] == []


def test_layers_have_the_same_secret_words():
    assert adaptors_redaction.SECRET_WORDS == redaction.SECRET_WORDS
    assert adaptors_redaction.SHORT_SECRET_WORDS == redaction.SHORT_SECRET_WORDS
