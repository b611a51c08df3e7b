"""The schema of an inbox."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from xml.parsers import expat

from pydantic import Field, PlainValidator, StringConstraints, field_validator, model_validator

from workbench.project.schema.base import Name, Spec, invalid, parse_value_path

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", to_lower=True)]
Path = Annotated[list[str | int], PlainValidator(parse_value_path)]
AUTH_SCHEMES = ("basic", "bearer", "api_key", "hmac", "stripe")
_CONTENT_TYPES = {
    "json": "application/json",
    "xml": "text/xml; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}
_MAX_RESPONSE_BYTES = 10_000
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


class ChallengeSpec(Spec):
    """A service that verifies the inbox's URL: `{meta: NAME}`, `{slack: NAME}`, `microsoft`."""

    service: Literal["meta", "slack", "microsoft"]
    secret: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_service(cls, value: Any) -> Any:
        if value == "microsoft":
            return {"service": "microsoft"}
        pairs = list(value.items()) if isinstance(value, dict) else []
        if len(pairs) == 1 and pairs[0][0] in ("meta", "slack") and pairs[0][1]:
            return {"service": pairs[0][0], "secret": pairs[0][1]}
        raise invalid(
            (),
            "Write {meta: NAME} or {slack: NAME}, with the name of the secret that has the "
            "service's token, or microsoft.",
        )


class ResponseSpec(Spec):
    """A fixed response: `{json: …}`, `{xml: …}` or `{text: …}`."""

    content_type: str
    body: str

    @model_validator(mode="before")
    @classmethod
    def _from_content(cls, value: Any) -> Any:
        pairs = list(value.items()) if isinstance(value, dict) else []
        if len(pairs) != 1 or pairs[0][0] not in _CONTENT_TYPES:
            raise invalid((), f"Write one of {', '.join(_CONTENT_TYPES)}, such as {{text: OK}}.")
        ((kind, content),) = pairs
        body = _json_text(content) if kind == "json" else content
        if not isinstance(body, str):
            raise invalid((kind,), "Put the text in quotes.")
        if kind == "xml":
            _require_xml(body)
        if len(body.encode()) > _MAX_RESPONSE_BYTES:
            raise invalid((kind,), f"A response has at most {_MAX_RESPONSE_BYTES} bytes.")
        return {"content_type": _CONTENT_TYPES[kind], "body": body}


class InboxSpec(Spec):
    """A named, secret URL. The project has only the SHA-256 of its id."""

    id_sha256: list[Digest] = Field(min_length=1)
    auth: list[AuthSpec] = Field(default_factory=list)
    accept: list[Literal["get"]] = Field(default_factory=list)
    challenge: ChallengeSpec | None = None
    response: ResponseSpec | None = None
    dedupe: Path = Field(default_factory=list)
    keep: Literal["all", "none"] = "all"
    max_bytes: Annotated[int, Field(gt=0, le=_MAX_BYTES)] | None = None

    @field_validator("id_sha256", "auth", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]

    @field_validator("accept", mode="before")
    @classmethod
    def _as_lower_case(cls, value: Any) -> Any:
        methods = value if isinstance(value, list) else [value]
        if any(str(method).lower() != "get" for method in methods):
            message = "Write `accept: [get]`. POST, PUT and PATCH are always accepted."
            raise invalid((), message)
        return ["get"] * bool(methods)

    @model_validator(mode="after")
    def _refuse_unsigned_queries(self) -> InboxSpec:
        schemes = [auth.way for auth in self.auth if auth.way in ("hmac", "stripe")]
        if self.accept and schemes:
            message = f"{schemes[0]} signs a body, and a GET has none: its query would be unsigned."
            raise invalid(("accept",), message)
        return self

    def secret_schemes(self) -> dict[str, str]:
        """Return the schemes of the inbox's secrets by their names; a token's is `bearer`."""
        schemes = {auth.secret: str(auth.way) for auth in self.auth}
        if self.challenge and self.challenge.secret:
            schemes.setdefault(self.challenge.secret, "bearer")
        return schemes


def _json_text(content: Any) -> str:
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise invalid(("json",), "JSON cannot express this value exactly.") from None


def _require_xml(text: str) -> None:
    try:
        expat.ParserCreate().Parse(text.encode(), True)  # noqa: FBT003 - expat has no keyword for it
    except expat.ExpatError as error:
        raise invalid(("xml",), f"This is not XML: {error}.") from None
