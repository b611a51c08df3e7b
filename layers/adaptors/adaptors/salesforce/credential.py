"""What a credential for Salesforce holds: one of three ways to be let in."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, field_validator, model_validator

from adaptors.credentials import CredentialModel, Secret

_VERSION = "59.0"
_OLDEST = 46.0  # since then many records can be upserted in one request
_HERE = r"localhost|127\.0\.0\.1|\[::1\]"
_ADDRESS = re.compile(rf"(https://[^/?#@\s]+|http://({_HERE})(:[0-9]+)?)/?")
_EVERYBODYS = {"https://login.salesforce.com", "https://test.salesforce.com"}


class Configuration(CredentialModel):
    """The credential of a Salesforce organization."""

    login_url: str = Field(
        "https://login.salesforce.com",
        alias="loginUrl",
        description="Where to log in: https://login.salesforce.com, https://test.salesforce.com "
        "for a sandbox, or the organization's own https://….my.salesforce.com",
    )
    username: str | None = Field(None, description="The user to log in as.")
    password: Secret | None = Field(None, description="The user's password.")
    security_token: Secret | None = Field(
        None,
        alias="securityToken",
        description="The user's security token; not needed from an address the organization trusts",
    )
    client_id: str | None = Field(
        None, description="The consumer key of an app that may use the client credentials flow."
    )
    client_secret: Secret | None = Field(None, description="The app's consumer secret.")
    access_token: Secret | None = Field(
        None, description="A token that somebody else obtained; it is used until it expires."
    )
    instance_url: str | None = Field(
        None, description="What the access token is for: https://….my.salesforce.com"
    )
    api_version: str = Field(
        _VERSION, alias="apiVersion", description="The version of Salesforce's API."
    )

    @field_validator("login_url", "instance_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError("write an address such as https://example.my.salesforce.com, no more")
        return value and value.rstrip("/")

    @field_validator("api_version", mode="before")
    @classmethod
    def _is_version(cls, value: Any) -> str:
        if not re.fullmatch(r"v?[0-9]{1,3}(\.0)?", str(value)):
            raise ValueError(f"write a version such as {_VERSION}")
        version = float(str(value).removeprefix("v"))
        if version < _OLDEST:
            raise ValueError(f"the oldest version that will do is {_OLDEST}")
        return f"{version:.1f}"

    @model_validator(mode="after")
    def _lets_in(self) -> Configuration:
        ways = (
            (self.access_token, self.instance_url),
            (self.username, self.password),
            (self.client_id, self.client_secret),
        )
        if any(all(way) for way in ways):
            if self.way == "client" and self.login_url in _EVERYBODYS:
                raise ValueError(
                    "with client_id and client_secret, loginUrl is the organization's own: "
                    "https://….my.salesforce.com"
                )
            return self
        raise ValueError(
            "the credential needs username and password (and securityToken), or client_id and "
            "client_secret, or access_token and instance_url"
        )

    @property
    def way(self) -> str:
        """Say which way leads in: an access token before a user before an app's own credentials."""
        if self.access_token and self.instance_url:
            return "token"
        return "user" if self.username and self.password else "client"
