"""The credential of a KoboToolbox account, and the paths of its API."""

from __future__ import annotations

from pydantic import Field, model_validator

from adaptors._http.auth import basic_auth, header_auth
from adaptors._http.client import Client
from adaptors.credentials import CredentialModel, Secret


class Configuration(CredentialModel):
    """The credential of a KoboToolbox account."""

    base_url: str = Field(
        alias="baseUrl", description="The URL of the server: https://kf.kobotoolbox.org"
    )
    username: str | None = Field(None, description="The account's name.")
    password: Secret | None = Field(None, description="The account's password.")
    token: Secret | None = Field(
        None, description="The account's API key, instead of username and password."
    )
    api_version: str = Field("v2", alias="apiVersion", description="The version of the API: v2")

    @model_validator(mode="after")
    def _require_login(self) -> Configuration:
        if self.token is None and (self.username is None or self.password is None):
            raise ValueError("it needs username and password, or token")
        return self


def client(configuration: Configuration) -> Client:
    """Return the client for the credential's server."""
    if configuration.token is not None:
        token = configuration.token.get_secret_value()
        return Client(configuration.base_url, header_auth("Authorization", f"Token {token}"))
    username = configuration.username or ""
    password = configuration.password.get_secret_value() if configuration.password else ""
    return Client(configuration.base_url, basic_auth(username, password))


def api_path(configuration: Configuration, path: str) -> str:
    """Return a path below the API, with a slash at its end; a path with `/` first is kept.

    Without the slash the server redirects, and a write does not follow redirects.
    """
    if path.startswith("/"):
        return path
    return f"/api/{configuration.api_version}/{path.strip('/')}/"
