"""Inboxes: named, secret URLs, and the authentication of posts to them.

The id in the URL is the first secret. `auth` lists further schemes, of which any one is enough, so
that a key can be rotated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openfn.errors import ProjectError
from openfn.messages.bodies import value_at
from openfn.project.digests import canonical_number
from openfn.storage import aws, secrets
from openfn.storage.aws import Setting

# A wrong key may be a rotated one, so a secret that was read earlier is read again.
_MAX_AGE_AFTER_MISMATCH = 20.0
_STRIPE_TOLERANCE_SECONDS = 300
STRIPE_HEADER = "stripe-signature"
CHALLENGES = {
    "basic": "Basic",
    "bearer": "Bearer",
    "api_key": "ApiKey",
    "hmac": "Signature",
    "stripe": "Signature",
}
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Auth:
    """An authentication scheme (one of `CHALLENGES`) and its secret's name.

    The secret is a JSON object: `username` and `password` for basic, `token` for bearer, `key`
    for the others.
    """

    scheme: str
    secret: str
    header: str = "authorization"
    algorithm: str = "sha256"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A service that verifies the inbox's URL, and the name of the secret with its token."""

    service: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """What a source receives with the status 200 instead of `{}`."""

    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """A named inbox and its options; `dedupe` is a path of keys and list indexes."""

    name: str
    auth: tuple[Auth, ...] = ()
    accept: frozenset[str] = frozenset()
    """`get` if the query of a GET is a message."""
    challenge: Challenge | None = None
    response: FixedResponse | None = None
    dedupe: tuple[str | int, ...] = ()
    max_bytes: int | None = None
    keep: str = "all"
    """`all`, or `none` to erase bodies and states once all runs have succeeded."""
    ordered: bool = False
    """Whether a trigger has `order_by`, so that messages are matched one after the other."""

    @property
    def group(self) -> str | None:
        """The queue group of its messages, if they are matched in order."""
        return self.name if self.ordered else None


def is_authorized(inbox: Inbox, headers: Headers, body: bytes, now: float) -> bool:
    """Return whether a request may post; header names are lower case, `now` is epoch seconds."""
    if not inbox.auth:
        return True
    missing: ProjectError | None = None
    for max_age in (secrets.MAX_AGE, _MAX_AGE_AFTER_MISMATCH):
        for auth in inbox.auth:
            try:
                secret = secrets.read(_secret_name(auth.secret), max_age)
            except ProjectError as error:
                missing = error  # another scheme may still succeed
                continue
            if _matches(auth, secret, headers, body, now):
                return True
    if missing:
        raise missing
    return False


def is_token(secret: str, token: str) -> bool:
    """Return whether a text is the `token` of an inbox secret."""
    return any(
        _equal(token.encode("utf-8", "replace"), _field(secrets.read(name, max_age), "token"))
        for name in [_secret_name(secret)]
        for max_age in (secrets.MAX_AGE, _MAX_AGE_AFTER_MISMATCH)
    )


def authenticate_header(inbox: Inbox) -> str:
    """Return the `WWW-Authenticate` header for an unauthorized request to an inbox."""
    names = sorted({CHALLENGES[auth.scheme] for auth in inbox.auth})
    return ", ".join(f'{name} realm="inbox"' for name in names)


def dedupe_key(inbox: Inbox, body: Any) -> str | None:
    """Return the digest that identifies a repeated message, or `None` without `dedupe`."""
    value = value_at(body, inbox.dedupe)
    if not inbox.dedupe or value is None or value == "" or isinstance(value, dict | list):
        return None
    if isinstance(value, Decimal):
        value = canonical_number(value)  # 1.0 is the same record as 1
    kind = f"value {type(value).__name__}"
    return _digest(inbox, kind, str(value).encode("utf-8", "surrogatepass"))


def content_dedupe_key(inbox: Inbox, content: bytes) -> str:
    """Return the digest that identifies a repeated unreadable body."""
    return _digest(inbox, "content", content)


def _digest(inbox: Inbox, kind: str, content: bytes) -> str:
    # With the kind, an unreadable post cannot have the digest of a record's value.
    return hashlib.sha256(f"{inbox.name}\n{kind}\n".encode() + content).hexdigest()


def _secret_name(secret: str) -> str:
    return aws.setting(Setting.INBOX_SECRETS_PREFIX) + secret


def _matches(
    auth: Auth, secret: Mapping[str, Any], headers: Headers, body: bytes, now: float
) -> bool:
    credentials = headers.get(auth.header, "")
    match auth.scheme:
        case "basic":
            username, password = _field(secret, "username"), _field(secret, "password")
            expected = username and password and username + b":" + password
            return _equal(_decode_basic(credentials), expected)
        case "bearer":
            scheme, _, token = credentials.partition(" ")
            return scheme.lower() == "bearer" and _equal(
                token.strip().encode(), _field(secret, "token")
            )
        case "api_key":
            return _equal(credentials.encode(), _field(secret, "key"))
        case "stripe":
            return _is_signed_with_time(auth, _field(secret, "key"), credentials, body, now)
        case _:
            return _is_signed(auth, _field(secret, "key"), credentials, body)


def _field(secret: Mapping[str, Any], name: str) -> bytes:
    value = secret.get(name)
    return value.encode() if isinstance(value, str) else b""


def _equal(actual: bytes, expected: bytes) -> bool:
    # An empty or missing secret authorizes nobody, whatever is sent.
    return hmac.compare_digest(actual, expected) and bool(expected)


def _decode_basic(credentials: str) -> bytes:
    scheme, _, encoded = credentials.partition(" ")
    try:
        return base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""


def _is_signed(auth: Auth, key: bytes, header: str, body: bytes) -> bool:
    digest = hmac.digest(key, body, auth.algorithm)
    signature = header.strip()
    label = f"{auth.algorithm}="
    if signature.lower().startswith(label):
        signature = signature[len(label) :]
    is_base64 = _equal(signature.encode(), base64.b64encode(digest))
    is_hex = _equal(signature.lower().encode(), digest.hex().encode())
    return bool(key) and (is_base64 or is_hex)


def _is_signed_with_time(auth: Auth, key: bytes, header: str, body: bytes, now: float) -> bool:
    """Return whether the header is Stripe's `t=…,v1=…`, recent, and signs both time and body."""
    parts = [part.strip().partition("=")[::2] for part in header.split(",")]
    sent_at = next((value for name, value in parts if name == "t"), "")
    if not key or not re.fullmatch("[0-9]{1,12}", sent_at):
        return False
    is_recent = abs(now - int(sent_at)) <= _STRIPE_TOLERANCE_SECONDS
    expected = hmac.digest(key, f"{sent_at}.".encode() + body, auth.algorithm).hex().encode()
    signatures = [value.lower().encode() for name, value in parts if name == "v1"]
    return is_recent and any(_equal(signature, expected) for signature in signatures)
