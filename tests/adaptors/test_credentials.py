"""The error messages for invalid credentials."""

from __future__ import annotations

from importlib import import_module
from typing import get_args

import pytest
from pydantic import AliasChoices, Field

import adaptors
from adaptors.credentials import CredentialModel, Secret, read_credential, secret_fields
from adaptors.errors import ConfigurationError
from openfn.jobs.secret_masking import Masker

ALL = adaptors.names()
SECRET = "Zm9vYmFyMTIzNDU2"


def configuration(name):
    return import_module(f"adaptors.{name}").Configuration


def is_secret(field):
    return Secret in (field.annotation, *get_args(field.annotation))


def test_names_lists_only_adaptors():
    assert "http" in ALL
    assert "common" not in ALL
    assert "transport" not in ALL


@pytest.mark.parametrize("name", ALL)
def test_every_field_has_a_description(name):
    assert all(field.description for field in configuration(name).model_fields.values())


@pytest.mark.parametrize("name", ALL)
def test_secret_fields_and_no_others_are_masked_in_logs(name):
    for key, field in configuration(name).model_fields.items():
        for alias in {key, field.alias or key}:
            masker = Masker({alias: SECRET}, secret_fields(configuration(name)))
            assert masker.mask(SECRET) == ("***" if is_secret(field) else SECRET), alias


def test_secret_fields_have_all_names_and_the_paths_of_nested_models():
    class Login(CredentialModel):
        code: Secret | None = None

    class Configuration(CredentialModel):
        host: str
        ward: list[Secret] = Field(validation_alias=AliasChoices("ward", "WARD"))
        logins: list[Login] | None = None

    expected = [("WARD",), ("logins", "code"), ("ward",)]
    assert secret_fields(Configuration) == expected
    body = {"host": "db.example.org", "ward": ["north-7"], "logins": [{"code": "blue-8"}]}
    masked = Masker(body, expected).mask(str(body))
    assert masked == "{'host': 'db.example.org', 'ward': ['***'], 'logins': [{'code': '***'}]}"


def test_error_names_the_field_and_not_its_value():
    class Configuration(CredentialModel):
        host: str
        port: int

    with pytest.raises(ConfigurationError) as caught:
        read_credential(Configuration, {"configuration": {"port": SECRET}})
    assert "host is missing." in str(caught.value)
    assert "port: " in str(caught.value)
    assert SECRET not in str(caught.value)
