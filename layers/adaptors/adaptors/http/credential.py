"""The credential of an HTTP API, and the client it makes."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import requests
from pydantic import Field, field_validator, model_validator

from adaptors._http.auth import Auth, basic_auth, bearer_auth, header_auth, query_auth
from adaptors._http.client import Client
from adaptors._http.digest_auth import DigestAuth
from adaptors._http.tls import Tls
from adaptors._http.token_requests import OAuth2
from adaptors._http.urls import origin
from adaptors.credentials import CredentialModel, Secret
from adaptors.http.oauth2 import Tokens, oauth2_login


class Certificates(CredentialModel):
    """The certificates of a credential, each as PEM text."""

    cert: str | None = Field(None, description="The client's certificate, with its chain.")
    key: Secret | None = Field(None, description="The private key of the client's certificate.")
    passphrase: Secret | None = Field(
        None, description="The passphrase of the key, if it is encrypted."
    )
    ca: str | None = Field(None, description="The certificate authority of the server.")

    @field_validator("cert", "key", "ca")
    @classmethod
    def _is_pem(cls, value: str | Secret | None) -> str | Secret | None:
        text = value.get_secret_value() if isinstance(value, Secret) else value
        if text is not None and not text.lstrip().startswith("-----BEGIN "):
            raise ValueError("It must be the text of a PEM file, which begins with -----BEGIN.")
        return value

    @model_validator(mode="after")
    def _check_pair(self) -> Certificates:
        if (self.cert is None) != (self.key is None):
            raise ValueError("A client certificate needs both cert and key.")
        return self


class Configuration(CredentialModel):
    """The credential of an HTTP API."""

    login_keys: ClassVar = ("username", "access_token", "apiKey", "api_key", "oauth2", "tls")
    ignored_keys: ClassVar = frozenset(
        {"token_type", "expires_at", "expires_in", "id_token", "scope", "refresh_token"}
        | {"instance_url", "apiVersion", "api_version", "sandbox"}
    )
    base_url: str | None = Field(
        None, alias="baseUrl", description="The URL that paths are relative to: https://…"
    )
    username: str | None = Field(None, description="The user, for basic or digest authentication.")
    password: Secret | None = Field(None, description="The user's password.")
    auth_type: Literal["basic", "digest"] | None = Field(
        None,
        alias="authType",
        description="The authentication with user and password: basic or digest.",
    )
    access_token: Secret | None = Field(None, description="A token, for bearer authentication.")
    api_key: Secret | None = Field(
        None, alias="apiKey", description="An API key, sent in `header` or `parameter`."
    )
    header: str | None = Field(
        None,
        pattern=r"^[\w.-]+$",
        description="The header for apiKey, such as X-API-Key.",
    )
    parameter: str | None = Field(None, description="The query parameter for apiKey.")
    tls: Certificates | None = Field(
        None, description="A client certificate, or your own certificate authority."
    )
    values: dict[str, Any] | None = Field(
        None, description="Values of your own that a job reads, as a JSON object."
    )
    oauth2: Tokens | None = Field(
        None, description="Access tokens by OAuth 2, which are fetched and renewed."
    )

    @model_validator(mode="after")
    def _check_combinations(self) -> Configuration:
        if (self.username is None) != (self.password is None):
            raise ValueError("The credential needs both username and password.")
        if self.auth_type == "digest" and self.username is None:
            raise ValueError("authType digest needs username and password.")
        if self.api_key is not None and (self.header is None) == (self.parameter is None):
            raise ValueError("apiKey needs the name of a header or of a parameter, and not both.")
        if self.oauth2 and (self.access_token is not None or self.username is not None):
            raise ValueError(
                "oauth2 is a login of its own: leave out access_token, username and password."
            )
        if self.tls and self.base_url and not self.base_url.lower().startswith("https://"):
            raise ValueError("tls needs a baseUrl that begins with https://.")
        return self


def client(configuration: Configuration) -> Client:
    """Return the client for a credential."""
    auths = [_user_auth(configuration), _api_key_auth(configuration)]

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        for auth in auths:
            if auth is not None:
                auth(request)
        return request

    return Client(
        configuration.base_url,
        authorize,
        digest=_digest_auth(configuration),
        tls=_tls(configuration),
        oauth2=_oauth2(configuration),
    )


def _user_auth(configuration: Configuration) -> Auth | None:
    if configuration.access_token:
        return bearer_auth(configuration.access_token.get_secret_value())
    if configuration.auth_type == "digest":
        return None
    if configuration.username is not None and configuration.password is not None:
        return basic_auth(configuration.username, configuration.password.get_secret_value())
    return None


def _digest_auth(configuration: Configuration) -> DigestAuth | None:
    username, password = configuration.username, configuration.password
    if configuration.auth_type != "digest" or username is None or password is None:
        return None
    return DigestAuth(username, password.get_secret_value())


def _oauth2(configuration: Configuration) -> OAuth2 | None:
    if configuration.oauth2 is None:
        return None
    token_origin = origin(configuration.oauth2.token_url)
    is_same_server = token_origin == origin(configuration.base_url or "")
    return oauth2_login(configuration.oauth2, _tls(configuration) if is_same_server else None)


def _api_key_auth(configuration: Configuration) -> Auth | None:
    if configuration.api_key is None:
        return None
    key = configuration.api_key.get_secret_value()
    if configuration.parameter is not None:
        return query_auth(configuration.parameter, key)
    return header_auth(configuration.header or "", key)


def _tls(configuration: Configuration) -> Tls | None:
    if (certificates := configuration.tls) is None:
        return None
    key, passphrase = _reveal(certificates.key), _reveal(certificates.passphrase)
    return Tls(certificates.cert, key, certificates.ca, passphrase)


def _reveal(secret: Secret | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
