"""The credential of a PostgreSQL database, with the keys OpenFn gives it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from adaptors.credentials import CredentialModel, Secret


class Configuration(CredentialModel):
    """The credential of a PostgreSQL database."""

    host: str = Field(description="The server's name: db.example.org.")
    port: int = Field(5432, description="The port it listens on.")
    database: str = Field(description="The database's name.")
    user: str = Field(description="The user.")
    password: Secret | None = Field(None, description="The user's password.")
    ssl: bool | dict[str, Any] | None = Field(
        None,
        description="true: TLS, and the server proves who it is. false: no TLS. "
        "Left out: TLS, whoever the server is.",
    )
    allow_self_signed_cert: bool = Field(
        default=False,
        alias="allowSelfSignedCert",
        description="With TLS, take any certificate: nobody proves who the server is.",
    )
    ca: str | None = Field(
        None, description="Who signs the server's certificate, as PEM; left out: public ones."
    )
    cert: str | None = Field(None, description="The client's own certificate, as PEM.")
    key: Secret | None = Field(None, description="The key of the client's certificate, as PEM.")

    @field_validator("host")
    @classmethod
    def _name(cls, host: str) -> str:
        if "://" in host:
            raise ValueError("a name alone, such as db.example.org, with no https:// before it")
        return host
