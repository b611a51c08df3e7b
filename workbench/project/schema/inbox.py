"""What people write about an inbox."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, StringConstraints, field_validator, model_validator

from workbench.project.schema.base import Name, Written, path_of_one, wrong

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", to_lower=True)]
Path = Annotated[list[str | int], PlainValidator(path_of_one)]
_WAYS = ("basic", "bearer", "api_key", "hmac")
# What Lambda takes in one request.
_MOST_BYTES = 6_000_000


class AuthWritten(Written):
    """One way to authenticate, with the name of its secret: `{basic: kobo-login}`."""

    way: Literal["basic", "bearer", "api_key", "hmac"]
    secret: Name
    header: Header = "authorization"
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_way(cls, value: Any) -> Any:
        ways = [way for way in _WAYS if isinstance(value, dict) and way in value]
        if len(ways) != 1:
            raise wrong((), f"name one of {', '.join(_WAYS)}, such as {{basic: kobo-login}}")
        way = ways[0]
        rest = {key: each for key, each in value.items() if key != way}
        if way == "api_key":
            rest.setdefault("header", "x-api-key")
        elif way == "hmac" and "header" not in rest:
            raise wrong((), "say in which header the signature comes: header: X-Hub-Signature-256")
        elif way in ("basic", "bearer") and "header" in rest:
            raise wrong(("header",), f"{way} always comes in Authorization: leave this out")
        if way != "hmac" and "algorithm" in rest:
            raise wrong(("algorithm",), "only hmac has an algorithm: leave this out")
        return {"way": way, "secret": value[way], **rest}


class InboxWritten(Written):
    """A named, secret URL: only the SHA-256 of its id stands in the project."""

    id_sha256: list[Digest] = Field(min_length=1)
    auth: list[AuthWritten] = Field(default_factory=list)
    dedupe: Path = Field(default_factory=list)
    keep: Literal["all", "none"] = "all"
    max_bytes: Annotated[int, Field(gt=0, le=_MOST_BYTES)] | None = None

    @field_validator("id_sha256", "auth", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]
