"""The credential of a CommCare project, and where its APIs lie."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import Field, model_validator

from adaptors._http.auth import basic_auth, header_auth
from adaptors._http.client import Client
from adaptors.credentials import CredentialModel, Secret


class Configuration(CredentialModel):
    """The credential of a CommCare project."""

    host_url: str = Field(
        "https://www.commcarehq.org",
        alias="hostUrl",
        description="The server's address; https://www.commcarehq.org if it is left out.",
    )
    domain: str = Field(description="The project space, as in /a/DOMAIN/.")
    app_id: str | None = Field(
        None, alias="appId", description="The application that submitted forms belong to."
    )
    username: str = Field(description="The user's name, mostly an e-mail address.")
    password: Secret | None = Field(None, description="The user's password.")
    api_key: Secret | None = Field(
        None, alias="apiKey", description="The user's API key, instead of the password."
    )

    @model_validator(mode="after")
    def _able(self) -> Configuration:
        if self.password is None and self.api_key is None:
            raise ValueError("the credential needs password or apiKey")
        return self


def client(configuration: Configuration) -> Client:
    """Give where the credential leads, and its authorization."""
    username, base = configuration.username, configuration.host_url
    if configuration.api_key is not None:
        key = configuration.api_key.get_secret_value()
        return Client(base, header_auth("Authorization", f"ApiKey {username}:{key}"), "hostUrl")
    password = configuration.password.get_secret_value() if configuration.password else ""
    return Client(base, basic_auth(username, password), "hostUrl")


def place(configuration: Configuration, path: str) -> str:
    """Give a path below the project's API v0.5, with a slash at its end; one with `/` first stays.

    Without the slash the server answers a redirect, which a write must not follow.
    """
    return path if path.startswith("/") else project(configuration, f"api/v0.5/{path.strip('/')}/")


def project(configuration: Configuration, path: str) -> str:
    """Give a path below the project."""
    return f"/a/{quote(configuration.domain, safe='')}/{path}"
