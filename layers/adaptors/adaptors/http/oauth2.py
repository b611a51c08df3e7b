"""The keys of an HTTP credential for OAuth 2, and how its tokens are fetched."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import Field, field_validator, model_validator
from pydantic.config import JsonDict

from adaptors._http.tls import Tls
from adaptors._http.token_requests import JWT_BEARER, Assertion, OAuth2, Token
from adaptors.credentials import CredentialModel, Secret


class Grant(StrEnum):
    """How a token is received."""

    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - the name of a grant
    JWT_BEARER = "jwt_bearer"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the same


class ClientAuth(StrEnum):
    """Where the client's secret is sent to."""

    HEADER = "header"
    BODY = "body"


_REQUIRED = {
    Grant.CLIENT_CREDENTIALS: ("client_id", "client_secret"),
    Grant.PASSWORD: ("username", "password"),
    Grant.JWT_BEARER: ("issuer", "private_key"),
    Grant.REFRESH_TOKEN: ("client_id", "refresh_token"),
}
_OF_ONE_GRANT = {
    "username": Grant.PASSWORD,
    "password": Grant.PASSWORD,
    "issuer": Grant.JWT_BEARER,
    "subject": Grant.JWT_BEARER,
    "private_key": Grant.JWT_BEARER,
    "private_key_id": Grant.JWT_BEARER,
    "refresh_token": Grant.REFRESH_TOKEN,
    "access_token": Grant.REFRESH_TOKEN,
    "expires_at": Grant.REFRESH_TOKEN,
}


def _only(*grants: Grant) -> JsonDict:
    """Return what lets `ofn credential set` ask for a key with these grants only."""
    return {"grants": [str(grant) for grant in grants]}


class Tokens(CredentialModel):
    """How to receive access tokens by OAuth 2."""

    grant_type: Grant = Field(
        description="How to receive a token: client_credentials, password, jwt_bearer or "
        "refresh_token."
    )
    token_url: str = Field(
        alias="tokenUrl", description="The URL of the server's token endpoint: https://…"
    )
    client_id: str | None = Field(None, description="The client's id. jwt_bearer rarely needs it.")
    client_secret: Secret | None = Field(None, description="The client's secret.")
    client_auth: ClientAuth = Field(
        ClientAuth.HEADER,
        description="Where to send the client's secret: header (basic authentication) or body.",
    )
    username: str | None = Field(
        None, description="The user, for password.", json_schema_extra=_only(Grant.PASSWORD)
    )
    password: Secret | None = Field(
        None, description="The user's password.", json_schema_extra=_only(Grant.PASSWORD)
    )
    issuer: str | None = Field(
        None,
        description="Who signs, for jwt_bearer: the service account's e-mail address or the "
        "client's id.",
        json_schema_extra=_only(Grant.JWT_BEARER),
    )
    subject: str | None = Field(
        None,
        description="The user for whom the service account acts, if the server needs one.",
        json_schema_extra=_only(Grant.JWT_BEARER),
    )
    private_key: Secret | None = Field(
        None,
        description="The RSA key that signs (RS256), as PEM text.",
        json_schema_extra=_only(Grant.JWT_BEARER),
    )
    private_key_id: str | None = Field(
        None,
        description="The key's id, if the server needs it.",
        json_schema_extra=_only(Grant.JWT_BEARER),
    )
    audience: str | None = Field(
        None,
        description="The API for which the token is. jwt_bearer: whom the signed text is for, if "
        "not tokenUrl.",
    )
    scope: str | None = Field(None, description="The scopes, with spaces between them.")
    refresh_token: Secret | None = Field(
        None,
        description="The refresh token that the server issued when somebody signed in.",
        json_schema_extra=_only(Grant.REFRESH_TOKEN),
    )
    access_token: Secret | None = Field(
        None, description="The current token. The runner writes it.", json_schema_extra=_only()
    )
    expires_at: float | None = Field(
        None,
        description="When the current token is renewed (epoch seconds). The runner writes it.",
        json_schema_extra=_only(),
    )

    @field_validator("token_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/\s@#]+(/[^\s#]*)?", value):
            raise ValueError("It must be a URL such as https://login.example.org/oauth2/token.")
        return value

    @model_validator(mode="after")
    def _check_grant(self) -> Tokens:
        missing = [name for name in _REQUIRED[self.grant_type] if not getattr(self, name)]
        if missing:
            raise ValueError(f"grant_type {self.grant_type} needs {' and '.join(missing)}.")
        for name, grant in _OF_ONE_GRANT.items():
            if grant is not self.grant_type and getattr(self, name) is not None:
                raise ValueError(f"{name} needs grant_type {grant}.")
        if self.client_secret is not None and not self.client_id:
            raise ValueError("client_secret needs client_id.")
        return self


def oauth2_login(tokens: Tokens, tls: Tls | None) -> OAuth2:
    """Return how the tokens of a credential are fetched."""
    return OAuth2(
        tokens.token_url,
        tuple(_fields(tokens).items()),
        tokens.client_id,
        _reveal(tokens.client_secret),
        tokens.client_auth is ClientAuth.BODY,
        _assertion(tokens),
        tls,
        _reveal(tokens.refresh_token),
        _stored_token(tokens),
    )


def _fields(tokens: Tokens) -> dict[str, str]:
    is_signed = tokens.grant_type is Grant.JWT_BEARER
    fields = {
        "grant_type": JWT_BEARER if is_signed else str(tokens.grant_type),
        "username": tokens.username,
        "password": _reveal(tokens.password),
        "scope": tokens.scope,
        "audience": None if is_signed else tokens.audience,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _stored_token(tokens: Tokens) -> Token | None:
    access_token = _reveal(tokens.access_token)
    return Token(access_token, tokens.expires_at or float("inf")) if access_token else None


def _assertion(tokens: Tokens) -> Assertion | None:
    if tokens.grant_type is not Grant.JWT_BEARER:
        return None
    audience = tokens.audience or tokens.token_url
    key, key_id = _reveal(tokens.private_key) or "", tokens.private_key_id
    return Assertion(tokens.issuer or "", tokens.subject, audience, tokens.scope, key, key_id)


def _reveal(secret: Secret | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
