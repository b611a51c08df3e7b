"""Every adaptor gets a placeholder credential."""

from __future__ import annotations

import pytest
from pydantic import Field

import adaptors
from adaptors.credentials import CredentialModel, Secret
from tests.workbench.more import clinic
from workbench.credentials import placeholders
from workbench.credentials.fields import describe_problems, model_of


@pytest.mark.parametrize("name", adaptors.names())
def test_every_adaptor_accepts_its_placeholder(name):
    body = placeholders.configuration(name)
    assert describe_problems(model_of(name), body) == ""
    assert body


def test_placeholder_has_the_requested_address():
    assert placeholders.configuration("http") == {"baseUrl": "https://http.invalid"}
    address = "http://127.0.0.1:8080"
    assert placeholders.configuration("http", address) == {"baseUrl": address}


def test_placeholder_has_as_few_optional_keys_as_possible():
    assert placeholders.placeholder_for(clinic.Configuration, "https://clinic.invalid") == {
        "hostUrl": "https://clinic.invalid",
        "password": "secret-placeholder",
    }


def test_host_of_a_placeholder_is_not_the_host_of_a_stand_in_without_its_port():
    address = "http://127.0.0.1:4321"
    assert placeholders.configuration("postgresql", address)["host"] == "no-server.invalid"
    assert placeholders.configuration("http", address) == {"baseUrl": address}


def test_required_keys_of_every_type_have_values():
    class Tls(CredentialModel):
        ca: str

    class Configuration(CredentialModel):
        host: str
        port: int
        encrypt: bool
        wards: list[str]
        password: Secret
        tls: Tls
        kind: str = Field(examples=["sandbox"], pattern="sandbox|live")

    assert placeholders.placeholder_for(Configuration, "https://clinic.invalid") == {
        "host": "clinic.invalid",
        "port": 1,
        "encrypt": True,
        "wards": [],
        "password": "secret-placeholder",
        "tls": {"ca": "placeholder"},
        "kind": "sandbox",
    }


def test_placeholder_of_commcare_can_submit_forms():
    assert placeholders.configuration("commcare")["appId"]
