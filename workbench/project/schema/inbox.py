"""The schema of an inbox."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, StringConstraints, field_validator, model_validator

from workbench.project.schema.base import Name, Spec, invalid, parse_value_path

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", to_lower=True)]
Path = Annotated[list[str | int], PlainValidator(parse_value_path)]
AUTH_SCHEMES = ("basic", "bearer", "api_key", "hmac", "stripe")
# Lambda's limit for one request.
_MAX_BYTES = 6_000_000


class AuthSpec(Spec):
    """An authentication scheme and the name of its secret: `{basic: kobo-login}`."""

    way: Literal["basic", "bearer", "api_key", "hmac", "stripe"]
    secret: Name
    header: Header = "authorization"
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"

    @model_validator(mode="before")
    @classmethod
    def _from_scheme(cls, value: Any) -> Any:
        schemes = [scheme for scheme in AUTH_SCHEMES if isinstance(value, dict) and scheme in value]
        if len(schemes) != 1:
            raise invalid(
                (), f"Write one of {', '.join(AUTH_SCHEMES)}, such as {{basic: kobo-login}}."
            )
        (scheme,) = schemes
        options = {key: option for key, option in value.items() if key != scheme}
        if scheme == "api_key":
            options.setdefault("header", "x-api-key")
        elif scheme == "stripe":
            options.setdefault("header", "stripe-signature")
        elif scheme == "hmac" and "header" not in options:
            message = "Add the header that has the signature: `header: X-Hub-Signature-256`."
            raise invalid((), message)
        elif scheme in ("basic", "bearer") and "header" in options:
            message = f"{scheme} always uses the header Authorization. Remove this key."
            raise invalid(("header",), message)
        if scheme != "hmac" and "algorithm" in options:
            raise invalid(("algorithm",), "Only hmac has an algorithm. Remove this key.")
        return {"way": scheme, "secret": value[scheme], **options}


class InboxSpec(Spec):
    """A named, secret URL. The project has only the SHA-256 of its id."""

    id_sha256: list[Digest] = Field(min_length=1)
    auth: list[AuthSpec] = Field(default_factory=list)
    dedupe: Path = Field(default_factory=list)
    keep: Literal["all", "none"] = "all"
    max_bytes: Annotated[int, Field(gt=0, le=_MAX_BYTES)] | None = None

    @field_validator("id_sha256", "auth", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]
