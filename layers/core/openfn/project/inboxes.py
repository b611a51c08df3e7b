"""A named, secret URL, and who may post to it.

The id in the URL is the first secret. `auth` asks for another, as the source is able to give it:
any of the listed ways is enough, so that a key can be rotated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openfn.errors import ProjectError
from openfn.messages.bodies import value_at
from openfn.storage import aws, secrets
from openfn.storage.aws import Setting

# A wrong key may be a rotated one: then what was read longer ago is read again.
_FRESH_SECONDS = 20.0
_STRIPE_TOLERANCE = 300
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Auth:
    """One way to authenticate: `basic`, `bearer`, `api_key` or `hmac`, and its secret's name.

    The secret is a JSON object: `username` and `password` for basic, `token` for bearer, `key`
    for the two others.
    """

    way: str
    secret: str
    header: str = "authorization"
    algorithm: str = "sha256"


@dataclass(frozen=True, slots=True)
class Inbox:
    """A named inbox and its options; `dedupe` is a path as steps, keys and places in lists."""

    name: str
    auth: tuple[Auth, ...] = ()
    dedupe: tuple[str | int, ...] = ()
    max_bytes: int | None = None
    keep: str = "all"
    """`all`, or `none`: bodies and states are erased once all has ended well."""
    ordered: bool = False
    """Whether a trigger asks for its messages in order: they are then matched in turn."""

    @property
    def group(self) -> str | None:
        """The group in which its messages are matched, if they are matched in turn."""
        return self.name if self.ordered else None


def admits(inbox: Inbox, headers: Headers, body: bytes, now: float) -> bool:
    """Say whether a request may post to an inbox; header names are lower case, `now` epoch."""
    if not inbox.auth:
        return True
    missing: ProjectError | None = None
    for younger_than in (secrets.KEPT_SECONDS, _FRESH_SECONDS):
        for auth in inbox.auth:
            try:
                secret = secrets.read(_secret(auth), younger_than)
            except ProjectError as error:
                missing = error  # another way may still be enough
                continue
            if _admitted(auth, secret, headers, body, now):
                return True
    if missing:
        raise missing
    return False


def challenge(inbox: Inbox) -> str:
    """Give the `WWW-Authenticate` of an inbox that was not given what it asks for."""
    schemes = {"basic": "Basic", "bearer": "Bearer", "api_key": "ApiKey", "hmac": "Signature"}
    wanted = sorted({schemes[auth.way] for auth in inbox.auth})
    return ", ".join(f'{scheme} realm="inbox"' for scheme in wanted)


def once_key(inbox: Inbox, body: Any) -> str | None:
    """Give the value that tells a re-sent message, as a digest; `None` where there is none."""
    value = value_at(body, inbox.dedupe)
    if not inbox.dedupe or value is None or value == "" or isinstance(value, dict | list):
        return None
    kind = f"value {type(value).__name__}"
    return _digest(inbox, kind, str(value).encode("utf-8", "surrogatepass"))


def content_key(inbox: Inbox, content: bytes) -> str:
    """Give the digest that tells content which cannot be read."""
    return _digest(inbox, "content", content)


def _digest(inbox: Inbox, kind: str, content: bytes) -> str:
    # The kind keeps one apart from the other: a post that cannot be read must not be able to take
    # a record's place.
    return hashlib.sha256(f"{inbox.name}\n{kind}\n".encode() + content).hexdigest()


def _secret(auth: Auth) -> str:
    return aws.setting(Setting.INBOX_SECRETS_PREFIX) + auth.secret


def _admitted(
    auth: Auth, secret: Mapping[str, Any], headers: Headers, body: bytes, now: float
) -> bool:
    given = headers.get(auth.header, "")
    match auth.way:
        case "basic":
            username, password = _of(secret, "username"), _of(secret, "password")
            return _same(_basic(given), username and password and username + b":" + password)
        case "bearer":
            scheme, _, token = given.partition(" ")
            return scheme.lower() == "bearer" and _same(
                token.strip().encode(), _of(secret, "token")
            )
        case "api_key":
            return _same(given.encode(), _of(secret, "key"))
        case _:
            return _signed(auth, _of(secret, "key"), given, body, now)


def _of(secret: Mapping[str, Any], name: str) -> bytes:
    value = secret.get(name)
    return value.encode() if isinstance(value, str) else b""


def _same(given: bytes, wanted: bytes) -> bool:
    # A secret that is empty or not there admits nobody, whatever is sent.
    return hmac.compare_digest(given, wanted) and bool(wanted)


def _basic(given: str) -> bytes:
    scheme, _, encoded = given.partition(" ")
    try:
        return base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""


def _signed(auth: Auth, key: bytes, given: str, body: bytes, now: float) -> bool:
    if not key:
        return False
    parts = [part.strip().partition("=")[::2] for part in given.split(",")]
    stripe = [value for name, value in parts if name == "v1"]
    when = next((value for name, value in parts if name == "t"), "")
    if stripe and re.fullmatch("[0-9]{1,12}", when):
        # Stripe signs its time with the body, so that a request cannot be sent again later.
        recent = abs(now - int(when)) <= _STRIPE_TOLERANCE
        made = hmac.digest(key, f"{when}.".encode() + body, auth.algorithm)
        return recent and any(_same(value.encode(), made.hex().encode()) for value in stripe)
    made = hmac.digest(key, body, auth.algorithm)
    signature = given.strip().removeprefix(f"{auth.algorithm}=").encode()
    encodings: Sequence[bytes] = (made.hex().encode(), base64.b64encode(made))
    return any(_same(signature, each) for each in encodings)
