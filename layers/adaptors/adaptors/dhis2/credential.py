"""The credential of a DHIS2, and the address of its Web API."""

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
    """The credential of a DHIS2.

    `apiUrl`, the name of `hostUrl` in old credentials, is understood; with both, username with
    password and `pat`, the token is used.
    """

    host_url: str = Field(
        alias="hostUrl", description="The address of DHIS2, without /api: https://…"
    )
    username: str | None = Field(None, description="The user, for basic authentication.")
    password: Secret | None = Field(None, description="The user's password.")
    pat: Secret | None = Field(
        None, description="A personal access token (DHIS2 2.38 and newer): d2pat_…"
    )
    api_version: int | None = Field(
        None,
        alias="apiVersion",
        description="The API's version, 36 to 43; left out, the server's newest is used.",
    )

    @model_validator(mode="before")
    @classmethod
    def _old_name(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and not given.get("hostUrl") and given.get("apiUrl"):
            return {**given, "hostUrl": given["apiUrl"]}
        return given

    @field_validator("host_url")
    @classmethod
    def _without_api(cls, given: str) -> str:
        url = re.sub(r"(?<=[^/:])/+(api/*)?$", "", given.strip())
        if not re.match("https?://[^/]", url):
            raise ValueError("it is the address of DHIS2 and begins with https://")
        if re.search(r"/api/[0-9]+/?$", url):
            raise ValueError("leave /api and what follows out; the version is a key, apiVersion")
        return url

    @field_validator("api_version", mode="before")
    @classmethod
    def _number(cls, given: Any) -> int | None:
        if given is None or given == "":
            return None
        # An unquoted 2.40 is the number 2.4 in YAML and JSON.
        text = f"{given:.2f}" if isinstance(given, float) else str(given)
        if found := _VERSION.fullmatch(text.strip()):
            return int(found[1])
        raise ValueError("it is one of 36 to 43, such as 40 or 2.40; left out, the server's newest")

    @model_validator(mode="after")
    def _authorized(self) -> Configuration:
        if not self.pat and not (self.username and self.password):
            raise ValueError("the credential needs username and password, or a token as pat")
        return self


def client(configuration: Configuration) -> Client:
    """Say where requests go and how they are authorized."""
    if configuration.pat:
        auth = header_auth("Authorization", f"ApiToken {configuration.pat.get_secret_value()}")
    else:
        password = configuration.password.get_secret_value() if configuration.password else ""
        auth = basic_auth(configuration.username or "", password)
    return Client(configuration.host_url, auth, base_url_key="hostUrl")


def address(configuration: Configuration, path: str) -> str:
    """Give the path of a resource below the host.

    >>> given = {"hostUrl": "https://dhis2.example.org", "pat": "d2pat_1", "apiVersion": "2.40"}
    >>> address(Configuration.model_validate(given), "programs/IpHINAT79UW")
    'api/40/programs/IpHINAT79UW'
    """
    version = "" if configuration.api_version is None else f"{configuration.api_version}/"
    return f"api/{version}{path.lstrip('/')}"
