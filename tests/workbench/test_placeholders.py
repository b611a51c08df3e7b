"""A credential is made up for any adaptor."""

from __future__ import annotations

import pytest
from pydantic import Field

import adaptors
from adaptors.credentials import CredentialModel, Secret
from tests.workbench.more import clinic
from workbench.credentials import placeholders
from workbench.credentials.fields import mistakes, model


@pytest.mark.parametrize("name", adaptors.names())
def test_every_adaptor_takes_the_credential_made_up_for_it(name):
    body = placeholders.configuration(name)
    assert mistakes(model(name), body) == ""
    assert body


def test_the_address_is_the_one_given():
    assert placeholders.configuration("http") == {"baseUrl": "https://http.invalid"}
    there = "http://127.0.0.1:8080"
    assert placeholders.configuration("http", there) == {"baseUrl": there}


def test_as_few_optional_keys_are_filled_as_the_adaptor_takes():
    assert placeholders.fitting(clinic.Configuration, "https://clinic.invalid") == {
        "hostUrl": "https://clinic.invalid",
        "password": "placeholder",
    }


def test_needed_keys_of_every_kind_are_filled():
    class Inside(CredentialModel):
        ca: str

    class Configuration(CredentialModel):
        host: str
        port: int
        encrypt: bool
        wards: list[str]
        password: Secret
        tls: Inside
        kind: str = Field(examples=["sandbox"], pattern="sandbox|live")

    assert placeholders.fitting(Configuration, "https://clinic.invalid") == {
        "host": "clinic.invalid",
        "port": 1,
        "encrypt": True,
        "wards": [],
        "password": "placeholder",
        "tls": {"ca": "placeholder"},
        "kind": "sandbox",
    }
