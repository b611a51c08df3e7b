"""The credential of an ODK server: Central or Aggregate."""

from __future__ import annotations

from pydantic import Field

from adaptors._http.client import Client
from adaptors._http.digest_auth import DigestAuth
from adaptors.credentials import CredentialModel, Secret
from adaptors.errors import ConfigurationError


class Configuration(CredentialModel):
    """The credential of an ODK server."""

    base_url: str = Field(alias="baseUrl", description="The URL of the server: https://…")
    email: str | None = Field(None, description="The user's e-mail address, for ODK Central.")
    username: str | None = Field(None, description="The user's name, for ODK Aggregate.")
    password: Secret | None = Field(None, description="The user's password.")
    access_token: Secret | None = Field(
        None, description="A token for ODK Central, instead of e-mail address and password."
    )


def aggregate_client(configuration: Configuration) -> Client:
    """Return the client for ODK Aggregate, which uses digest authentication."""
    username, password = configuration.username, configuration.password
    if username is None or password is None:
        raise ConfigurationError(
            "The credential has no username and password, which ODK Aggregate needs."
        )
    digest = DigestAuth(username, password.get_secret_value())
    return Client(configuration.base_url, digest=digest)
