"""The credential of a KoboToolbox server, and where its API lies."""

from __future__ import annotations

from pydantic import Field, model_validator

from adaptors._http.auth import basic_auth, header_auth
from adaptors._http.client import Client
from adaptors.credentials import CredentialModel, Secret


class Configuration(CredentialModel):
    """The credential of a KoboToolbox account."""

    base_url: str = Field(
        alias="baseUrl", description="The server's address: https://kf.kobotoolbox.org"
    )
    username: str | None = Field(None, description="The account's name.")
    password: Secret | None = Field(None, description="The account's password.")
    token: Secret | None = Field(
        None, description="The account's API key, instead of username and password."
    )
    api_version: str = Field("v2", alias="apiVersion", description="The version of the API: v2")

    @model_validator(mode="after")
    def _able(self) -> Configuration:
        if self.token is None and (self.username is None or self.password is None):
            raise ValueError("the credential needs username and password, or token")
        return self


def access(configuration: Configuration) -> Client:
    """Give where the credential leads, and its authorization."""
    if configuration.token is not None:
        token = configuration.token.get_secret_value()
        return Client(configuration.base_url, header_auth("Authorization", f"Token {token}"))
    username = configuration.username or ""
    password = configuration.password.get_secret_value() if configuration.password else ""
    return Client(configuration.base_url, basic_auth(username, password))


def place(configuration: Configuration, path: str) -> str:
    """Give a path below the API, always with a slash at its end; one that begins with `/` stays.

    Without the slash the server answers a redirect, which a write must not follow.
    """
    if path.startswith("/"):
        return path
    return f"/api/{configuration.api_version}/{path.strip('/')}/"
