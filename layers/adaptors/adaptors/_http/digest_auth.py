"""Digest authentication (RFC 7616), with the last challenge of a server remembered.

Each thread remembers the challenge of each origin and user, so that only its first request is sent
twice. Of several challenges it answers the strongest.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from threading import local

from requests import PreparedRequest

from adaptors._http.urls import origin
from adaptors.errors import ConfigurationError

_ALGORITHMS = {"SHA-512": "sha512", "SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
# name="quoted" or name=bare, else the scheme with which a challenge begins
_PART = re.compile(r'([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w-]+)')
_thread = local()


@dataclass(frozen=True, slots=True)
class DigestAuth:
    """A user and a password. The password is proved and never sent."""

    username: str
    password: str = field(repr=False)


@dataclass(slots=True)
class _Session:
    """A challenge, our nonce for it, and the number of requests it has served."""

    challenge: Mapping[str, str]
    cookie: str
    cnonce: str = field(default_factory=lambda: secrets.token_hex(16))
    count: int = 0


def authorize(auth: DigestAuth, request: PreparedRequest) -> None:
    """Authorize a request if its origin has sent a challenge before."""
    session = _sessions().get((origin(request.url or ""), auth))
    if session is None:
        return
    session.count += 1
    request.headers["Authorization"] = _header(auth, session, request)
    if session.cookie:
        request.headers.setdefault("Cookie", session.cookie)


def learn(
    auth: DigestAuth, request: PreparedRequest, challenges: Sequence[str], cookies: str
) -> bool:
    """Remember the challenges of a response 401; return whether digest is among them.

    `cookies` are those of the response: some servers recognize their challenge by one. Raises
    ConfigurationError for algorithms that are not supported.
    """
    digests = [
        params for text in challenges for scheme, params in _parse(text) if scheme == "digest"
    ]
    if not digests:
        return False
    supported = [params for params in digests if _is_supported(params)]
    if not supported:
        names = ", ".join(
            f"{_algorithm(params)} with qop={params.get('qop')}" for params in digests
        )
        raise ConfigurationError(
            f"The destination requires digest authentication by {names}, which is not supported. "
            f"It must offer qop=auth with one of {', '.join(_ALGORITHMS)}."
        )
    strongest = min(supported, key=lambda params: list(_ALGORITHMS).index(_algorithm(params)))
    _sessions()[origin(request.url or ""), auth] = _Session(strongest, cookies)
    return True


def cookies_of(headers: Sequence[str]) -> str:
    """Return the cookies of `Set-Cookie` headers as a `Cookie` header."""
    try:
        jars = [SimpleCookie(header) for header in headers]
    except CookieError:
        return ""
    return "; ".join(f"{name}={morsel.coded_value}" for jar in jars for name, morsel in jar.items())


def _sessions() -> dict[tuple[str, DigestAuth], _Session]:
    sessions: dict[tuple[str, DigestAuth], _Session] = _thread.__dict__.setdefault("sessions", {})
    return sessions


def _header(auth: DigestAuth, session: _Session, request: PreparedRequest) -> str:
    challenge, cnonce, count = session.challenge, session.cnonce, f"{session.count:08x}"
    digest = _hash(_algorithm(challenge))
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    qop = challenge.get("qop")
    secret = digest(f"{auth.username}:{realm}:{auth.password}")
    if challenge.get("algorithm", "").lower().endswith("-sess"):
        secret = digest(f"{secret}:{nonce}:{cnonce}")
    hashed_request = digest(f"{request.method}:{request.path_url}")
    middle = f"{nonce}:{count}:{cnonce}:auth" if qop else nonce
    quoted = {
        "username": auth.username,
        "realm": realm,
        "nonce": nonce,
        "uri": request.path_url,
        "response": digest(f"{secret}:{middle}:{hashed_request}"),
    } | ({"opaque": challenge["opaque"]} if "opaque" in challenge else {})
    parts = [f"{key}={_quote(value)}" for key, value in quoted.items()]
    parts += [f"algorithm={challenge['algorithm']}"] if "algorithm" in challenge else []
    parts += [f'qop=auth, nc={count}, cnonce="{cnonce}"'] if qop else []
    return f"Digest {', '.join(parts)}".encode().decode("latin-1")  # a header's bytes are UTF-8


def _is_supported(challenge: Mapping[str, str]) -> bool:
    offers_auth = "auth" in re.split(r"[,\s]+", challenge.get("qop", "auth").lower())
    return _algorithm(challenge) in _ALGORITHMS and offers_auth


def _algorithm(challenge: Mapping[str, str]) -> str:
    return re.sub("-SESS$", "", challenge.get("algorithm", "MD5").upper())


def _hash(algorithm: str) -> Callable[[str], str]:
    name = _ALGORITHMS[algorithm]
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _quote(text: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", text)
    return f'"{escaped}"'


def _parse(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    scheme, params = "", dict[str, str]()
    for name, quoted, bare, word in _PART.findall(header):
        if word:
            yield scheme, params
            scheme, params = word.lower(), {}
        else:
            params[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) or bare
    yield scheme, params
