"""The credential of a PostgreSQL database, with OpenFn's keys."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from adaptors.credentials import CredentialModel, Secret


class Configuration(CredentialModel):
    """The credential of a PostgreSQL database."""

    host: str = Field(description="The server's host name, such as db.example.org.")
    port: int = Field(5432, description="The server's port.")
    database: str = Field(description="The name of the database.")
    user: str = Field(description="The user to log in as.")
    password: Secret | None = Field(None, description="The user's password.")
    ssl: bool | dict[str, Any] | None = Field(
        None,
        description="true: TLS, and the server's certificate is verified. false: no TLS. "
        "Left out: TLS without verification.",
    )
    allow_self_signed_cert: bool = Field(
        default=False,
        alias="allowSelfSignedCert",
        description="Accept any certificate. The server's identity is not verified.",
    )
    ca: str | None = Field(
        None, description="The CA certificate of the server, as PEM. Left out: public CAs."
    )
    cert: str | None = Field(None, description="The client certificate, as PEM.")
    key: Secret | None = Field(None, description="The private key of `cert`, as PEM.")

    @field_validator("host")
    @classmethod
    def _is_host_name(cls, host: str) -> str:
        if "://" in host:
            raise ValueError("write the host name only, such as db.example.org, without https://")
        return host
