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
        description="true or left out: TLS, and the server's certificate and host name are "
        "verified. false: no TLS. Everybody on the network can read the data; the password is "
        "sent only as SCRAM-SHA-256.",
    )
    allow_self_signed_cert: bool = Field(
        default=False,
        alias="allowSelfSignedCert",
        description="true: TLS without verification. Any certificate is accepted; the password is "
        "sent only as SCRAM-SHA-256.",
    )
    ca: str | None = Field(
        None,
        description="The CA certificate of the server, or its self-signed certificate, as PEM. "
        "Left out: the system's CAs.",
    )
    cert: str | None = Field(None, description="The client certificate, as PEM.")
    key: Secret | None = Field(None, description="The private key of `cert`, as PEM.")

    @field_validator("host")
    @classmethod
    def _is_host_name(cls, host: str) -> str:
        if "://" in host:
            raise ValueError("write the host name only, such as db.example.org, without https://")
        return host
