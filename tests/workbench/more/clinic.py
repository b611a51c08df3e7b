"""An adaptor whose credential has all that a credential can have."""

from typing import Literal

from pydantic import Field, model_validator

from adaptors.credentials import CredentialModel, Secret


class Tls(CredentialModel):
    ca: str | None = Field(None, description="Who signed the server's certificate, as PEM.")
    cert_file: str = Field(alias="certFile", description="The client's certificate, as PEM.")
    key: Secret | None = Field(None, description="The certificate's key, as PEM.")


class Configuration(CredentialModel):
    """The credential of a clinic."""

    host_url: str = Field(alias="hostUrl", description="The address of the clinic.")
    password: Secret | None = Field(None, description="The user's password.")
    access_token: Secret | None = Field(None, description="A token.")
    port: int = Field(5432, ge=1, description="The port.")
    mode: Literal["safe", "fast"] = Field("safe", description="How to send.")
    ssl: bool | str = Field(default=False, description="Whether to encrypt.")
    wards: list[str] = Field(default_factory=list, description="The wards.")
    tls: Tls | None = Field(None, description="The certificates.")

    @model_validator(mode="after")
    def _one(self):
        if self.password is None and self.access_token is None:
            raise ValueError("the credential needs password or access_token")
        return self
