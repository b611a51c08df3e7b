"""The error messages for invalid credentials."""

from __future__ import annotations

from importlib import import_module
from typing import get_args

import pytest

import adaptors
from adaptors.credentials import CredentialModel, Secret, read_credential
from adaptors.errors import ConfigurationError
from openfn.jobs.secret_masking import mask

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
        shown = mask(SECRET, {field.alias or key: SECRET})
        assert shown == ("***" if is_secret(field) else SECRET), key


def test_error_names_the_field_and_not_its_value():
    class Configuration(CredentialModel):
        host: str
        port: int

    with pytest.raises(ConfigurationError) as caught:
        read_credential(Configuration, {"configuration": {"port": SECRET}})
    assert "host is missing." in str(caught.value)
    assert "port: " in str(caught.value)
    assert SECRET not in str(caught.value)
