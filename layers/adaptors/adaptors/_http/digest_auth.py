"""Digest authentication (RFC 7616): what a server asked for is remembered, as is how often.

A thread remembers the last challenge of each origin and user, so that only the first of its
requests is sent twice. Of several challenges the strongest is met.
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
# name="quoted" or name=bare, else the word that a challenge begins with
_PART = re.compile(r'([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w-]+)')
_thread = local()


@dataclass(frozen=True, slots=True)
class DigestAuth:
    """A user and a password that are proved and never sent."""

    username: str
    password: str = field(repr=False)


@dataclass(slots=True)
class _Session:
    """A challenge, what was drawn for it, and how many requests it has served."""

    asked: Mapping[str, str]
    cookie: str
    cnonce: str = field(default_factory=lambda: secrets.token_hex(16))
    count: int = 0


def authorize(digest: DigestAuth, request: PreparedRequest) -> None:
    """Prove the user in a request, if its origin has asked for that before."""
    session = _sessions().get((origin(request.url or ""), digest))
    if session is None:
        return
    session.count += 1
    request.headers["Authorization"] = _proof(digest, session, request)
    if session.cookie:
        request.headers.setdefault("Cookie", session.cookie)


def learn(
    digest: DigestAuth, request: PreparedRequest, challenges: Sequence[str], cookies: str
) -> bool:
    """Remember what an answer of 401 asks for; tell whether that is digest authentication.

    `cookies` are those it set: some servers know their challenge by one. `ConfigurationError`
    says what is not supported.
    """
    asked = [
        params for text in challenges for scheme, params in _parsed(text) if scheme == "digest"
    ]
    if not asked:
        return False
    usable = [params for params in asked if _algorithm(params) in _ALGORITHMS and _plain(params)]
    if not usable:
        wishes = ", ".join(f"{_algorithm(each)} with qop={each.get('qop')}" for each in asked)
        raise ConfigurationError(
            f"the destination asks for digest authentication by {wishes}, which is not supported: "
            f"let it offer qop=auth with one of {', '.join(_ALGORITHMS)}"
        )
    best = min(usable, key=lambda params: list(_ALGORITHMS).index(_algorithm(params)))
    _sessions()[origin(request.url or ""), digest] = _Session(best, cookies)
    return True


def cookies_of(headers: Sequence[str]) -> str:
    """Give the cookies of `Set-Cookie` headers as they are sent back."""
    try:
        jars = [SimpleCookie(each) for each in headers]
    except CookieError:
        return ""
    return "; ".join(f"{key}={each.coded_value}" for jar in jars for key, each in jar.items())


def _sessions() -> dict[tuple[str, DigestAuth], _Session]:
    found: dict[tuple[str, DigestAuth], _Session] = _thread.__dict__.setdefault("sessions", {})
    return found


def _proof(digest: DigestAuth, session: _Session, request: PreparedRequest) -> str:
    asked, cnonce, count = session.asked, session.cnonce, f"{session.count:08x}"
    made = _hash(_algorithm(asked))
    realm, nonce, qop = asked.get("realm", ""), asked.get("nonce", ""), asked.get("qop")
    secret = made(f"{digest.username}:{realm}:{digest.password}")
    if asked.get("algorithm", "").lower().endswith("-sess"):
        secret = made(f"{secret}:{nonce}:{cnonce}")
    what = made(f"{request.method}:{request.path_url}")
    middle = f"{nonce}:{count}:{cnonce}:auth" if qop else nonce
    quoted = {
        "username": digest.username,
        "realm": realm,
        "nonce": nonce,
        "uri": request.path_url,
        "response": made(f"{secret}:{middle}:{what}"),
    } | ({"opaque": asked["opaque"]} if "opaque" in asked else {})
    parts = [f"{key}={_quoted(value)}" for key, value in quoted.items()]
    parts += [f"algorithm={asked['algorithm']}"] if "algorithm" in asked else []
    parts += [f'qop=auth, nc={count}, cnonce="{cnonce}"'] if qop else []
    return f"Digest {', '.join(parts)}".encode().decode("latin-1")  # a header's bytes are UTF-8


def _algorithm(asked: Mapping[str, str]) -> str:
    return re.sub("-SESS$", "", asked.get("algorithm", "MD5").upper())


def _plain(asked: Mapping[str, str]) -> bool:
    return "qop" not in asked or "auth" in re.split(r"[,\s]+", asked["qop"].lower())


def _hash(algorithm: str) -> Callable[[str], str]:
    name = _ALGORITHMS[algorithm]
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", text)
    return f'"{escaped}"'


def _parsed(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    scheme, params = "", dict[str, str]()
    for name, quoted, bare, word in _PART.findall(header):
        if word:
            yield scheme, params
            scheme, params = word.lower(), {}
        else:
            params[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) or bare
    yield scheme, params
