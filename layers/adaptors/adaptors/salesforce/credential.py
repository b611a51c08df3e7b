"""The credential: access token, user and password, client credentials, or a signed assertion."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from adaptors.credentials import CredentialModel, Secret

_DEFAULT_VERSION = "59.0"
_OLDEST_VERSION = 46.0  # the first that upserts many records in one request
_LOOPBACK = r"localhost|127\.0\.0\.1|\[::1\]"
_BASE_URL = re.compile(rf"(https://[^/?#@\s]+|http://({_LOOPBACK})(:[0-9]+)?)/?")
_SHARED_LOGIN_URLS = {"https://login.salesforce.com", "https://test.salesforce.com"}


class LoginMethod(StrEnum):
    """How a credential gets a session."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - no secret
    PASSWORD = "password"  # noqa: S105 - no secret
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "jwt_bearer"


class Configuration(CredentialModel):
    """The credential of a Salesforce organization."""

    login_url: str = Field(
        "https://login.salesforce.com",
        alias="loginUrl",
        description="The URL to log in at: https://login.salesforce.com, "
        "https://test.salesforce.com for a sandbox, or the organization's own "
        "https://….my.salesforce.com",
    )
    username: str | None = Field(None, description="The user to log in as.")
    password: Secret | None = Field(None, description="The user's password.")
    security_token: Secret | None = Field(
        None,
        alias="securityToken",
        description="The user's security token. Not needed from a trusted IP address.",
    )
    client_id: str | None = Field(
        None, description="The consumer key of an app with the client credentials or JWT flow."
    )
    client_secret: Secret | None = Field(None, description="The app's consumer secret.")
    private_key: Secret | None = Field(
        None,
        description="The RSA key of the app's certificate (PEM text), for the JWT flow: "
        "with client_id and username.",
    )
    access_token: Secret | None = Field(
        None, description="An existing access token. It works until it expires."
    )
    instance_url: str | None = Field(
        None, description="The URL of the access token: https://….my.salesforce.com"
    )
    api_version: str = Field(
        _DEFAULT_VERSION, alias="apiVersion", description="The version of Salesforce's API."
    )

    @field_validator("login_url", "instance_url")
    @classmethod
    def _is_base_url(cls, value: str | None) -> str | None:
        if value is not None and not _BASE_URL.fullmatch(value):
            raise ValueError(
                "write a URL such as https://example.my.salesforce.com, without a path"
            )
        return value and value.rstrip("/")

    @field_validator("api_version", mode="before")
    @classmethod
    def _is_supported_version(cls, value: Any) -> str:
        if not re.fullmatch(r"v?[0-9]{1,3}(\.0)?", str(value)):
            raise ValueError(f"write a version such as {_DEFAULT_VERSION}")
        version = float(str(value).removeprefix("v"))
        if version < _OLDEST_VERSION:
            raise ValueError(f"the oldest supported version is {_OLDEST_VERSION}")
        return f"{version:.1f}"

    @model_validator(mode="after")
    def _has_login_method(self) -> Configuration:
        pairs = (
            (self.access_token, self.instance_url),
            (self.username, self.password),
            (self.client_id, self.client_secret),
            (self.client_id, self.username, self.private_key),
        )
        if not any(all(pair) for pair in pairs):
            raise ValueError(
                "the credential needs username and password (and securityToken), or client_id and "
                "client_secret, or client_id, username and private_key, or access_token and "
                "instance_url"
            )
        is_client = self.login_method is LoginMethod.CLIENT_CREDENTIALS
        if is_client and self.login_url in _SHARED_LOGIN_URLS:
            raise ValueError(
                "with client_id and client_secret, loginUrl must be the organization's own: "
                "https://….my.salesforce.com"
            )
        return self

    @property
    def login_method(self) -> LoginMethod:
        """Return the login method; a token is preferred to a user, a user to an app."""
        if self.access_token and self.instance_url:
            return LoginMethod.ACCESS_TOKEN
        if self.username and self.password:
            return LoginMethod.PASSWORD
        if self.client_id and self.username and self.private_key:
            return LoginMethod.JWT_BEARER
        return LoginMethod.CLIENT_CREDENTIALS
