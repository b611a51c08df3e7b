"""The credential of a DHIS2 server, and the paths of its Web API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from adaptors._http.auth import basic_auth, header_auth
from adaptors._http.client import Client
from adaptors.credentials import CredentialModel, Secret

_VERSION = re.compile(r"v?(?:2\.)?(3[6-9]|4[0-3])(?:\.[0-9]+)*", re.IGNORECASE)


class Configuration(CredentialModel):
    """The credential of a DHIS2 server.

    `apiUrl`, the old name of `hostUrl`, is accepted too. If there are both a password and `pat`,
    the token is used.
    """

    host_url: str = Field(
        alias="hostUrl", description="The URL of the DHIS2 server, without /api: https://…"
    )
    username: str | None = Field(None, description="The user, for basic authentication.")
    password: Secret | None = Field(None, description="The user's password.")
    pat: Secret | None = Field(
        None, description="A personal access token (DHIS2 2.38 and newer): d2pat_…"
    )
    api_version: int | None = Field(
        None,
        alias="apiVersion",
        description="The API's version, 36 to 43. Without it, the server's newest is used.",
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_api_url(cls, content: Any) -> Any:
        if isinstance(content, Mapping) and not content.get("hostUrl") and content.get("apiUrl"):
            return {**content, "hostUrl": content["apiUrl"]}
        return content

    @field_validator("host_url")
    @classmethod
    def _strip_api_path(cls, value: str) -> str:
        url = re.sub(r"(?<=[^/:])/+(api/*)?$", "", value.strip())
        if not re.match("https?://[^/]", url):
            raise ValueError("it is the URL of the DHIS2 server and begins with https://")
        if re.search(r"/api/[0-9]+/?$", url):
            raise ValueError("remove /api and the version; set the version as apiVersion")
        return url

    @field_validator("api_version", mode="before")
    @classmethod
    def _parse_version(cls, value: Any) -> int | None:
        if value is None or value == "":
            return None
        # An unquoted 2.40 is the number 2.4 in YAML and JSON.
        text = f"{value:.2f}" if isinstance(value, float) else str(value)
        if version := _VERSION.fullmatch(text.strip()):
            return int(version[1])
        raise ValueError(
            "it is one of 36 to 43, such as 40 or 2.40; without it, the server's newest is used"
        )

    @model_validator(mode="after")
    def _require_login(self) -> Configuration:
        if not self.pat and not (self.username and self.password):
            raise ValueError("it needs username and password, or a token as pat")
        return self


def client(configuration: Configuration) -> Client:
    """Return the client for the credential's server."""
    if configuration.pat:
        auth = header_auth("Authorization", f"ApiToken {configuration.pat.get_secret_value()}")
    else:
        password = configuration.password.get_secret_value() if configuration.password else ""
        auth = basic_auth(configuration.username or "", password)
    return Client(configuration.host_url, auth, base_url_key="hostUrl")


def api_path(configuration: Configuration, path: str) -> str:
    """Return the path of a resource below the server's URL.

    >>> content = {"hostUrl": "https://dhis2.example.org", "pat": "d2pat_1", "apiVersion": "2.40"}
    >>> api_path(Configuration.model_validate(content), "programs/IpHINAT79UW")
    'api/40/programs/IpHINAT79UW'
    """
    version = "" if configuration.api_version is None else f"{configuration.api_version}/"
    return f"api/{version}{path.lstrip('/')}"
