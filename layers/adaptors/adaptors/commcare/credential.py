"""The credential of a CommCare project, and the paths of its APIs."""

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
        description="The URL of the server; https://www.commcarehq.org if it is left out.",
    )
    domain: str = Field(description="The project space, as in /a/DOMAIN/.")
    app_id: str | None = Field(
        None,
        alias="appId",
        description="The application that submitted forms belong to.",
        examples=["placeholder"],
    )
    username: str = Field(description="The user's name, mostly an e-mail address.")
    password: Secret | None = Field(None, description="The user's password.")
    api_key: Secret | None = Field(
        None, alias="apiKey", description="The user's API key, instead of the password."
    )

    @model_validator(mode="after")
    def _require_login(self) -> Configuration:
        if self.password is None and self.api_key is None:
            raise ValueError("it needs password or apiKey")
        return self


def client(configuration: Configuration) -> Client:
    """Return the client for the credential's server."""
    username, base_url = configuration.username, configuration.host_url
    if configuration.api_key is not None:
        key = configuration.api_key.get_secret_value()
        return Client(base_url, header_auth("Authorization", f"ApiKey {username}:{key}"), "hostUrl")
    password = configuration.password.get_secret_value() if configuration.password else ""
    return Client(base_url, basic_auth(username, password), "hostUrl")


def api_path(configuration: Configuration, path: str) -> str:
    """Return a path below API v0.5, with a slash at its end; a path with `/` first is kept.

    Without the slash the server redirects, and a write does not follow redirects.
    """
    if path.startswith("/"):
        return path
    return project_path(configuration, f"api/v0.5/{path.strip('/')}/")


def project_path(configuration: Configuration, path: str) -> str:
    """Return a path below the project."""
    return f"/a/{quote(configuration.domain, safe='')}/{path}"
