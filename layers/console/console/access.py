"""Who may use a console on loopback: whoever opened a link with a key that its machine printed.

    link with a key ──▶ cookie for twelve hours ──▶ pages
                                 └──▶ token in every form ──▶ posts

A key opens the console once. Keys, cookies and tokens are signed with one secret, so a restart of
the program with the same secret signs nobody out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from console.request import Request

_SESSION_SECONDS = 12 * 3600
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Access:
    """The key, the cookies and the tokens of one console on loopback."""

    secret: str
    hosts: tuple[str, ...]
    """The exact values of `Host` under which it is reached, with the port."""
    _used: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create_key(self, seconds: float) -> str:
        """Return a key that opens the console once within some seconds."""
        return create_key(self.secret, seconds)

    def accepts_key(self, key: str) -> bool:
        """Return whether a key is valid, and use it up."""
        until = _signed_time(self.secret, "key", key)
        with self._lock:
            now = time.time()
            for used in [name for name, end in self._used.items() if end < now]:
                del self._used[used]
            if until is None or key in self._used:
                return False
            self._used[key] = until
        return True

    def create_cookie(self) -> str:
        """Return the `Set-Cookie` text of a new session."""
        value = _sign(self.secret, "session", _SESSION_SECONDS)
        attributes = f"Path=/; HttpOnly; SameSite=Lax; Max-Age={_SESSION_SECONDS}"
        return f"{self._cookie_name}={value}; {attributes}"

    def is_signed_in(self, request: Request) -> bool:
        """Return whether a request has the cookie of a session."""
        return _signed_time(self.secret, "session", self._session(request)) is not None

    def token(self, request: Request) -> str:
        """Return the token that the forms of a session send."""
        return _digest(self.secret, "token", self._session(request))

    def is_own_post(self, request: Request) -> bool:
        """Return whether a POST comes from a page of this console, with its token."""
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        is_own = site == "same-origin" if site else origin in self._origins
        return is_own and hmac.compare_digest(
            request.field("token").encode(), self.token(request).encode()
        )

    def is_own_address(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request is for this host, and no proxy has passed it on."""
        is_direct = not any(name in headers for name in _PROXY_HEADERS)
        return is_direct and headers.get("host", "") in self.hosts

    @property
    def _origins(self) -> set[str]:
        return {f"http://{host}" for host in self.hosts}

    @property
    def _cookie_name(self) -> str:
        # Cookies do not depend on the port, and two consoles may run on one machine.
        return f"console-{self.hosts[0].rpartition(':')[2]}"

    def _session(self, request: Request) -> str:
        return request.cookies.get(self._cookie_name, "")


def create_key(secret: str, seconds: float) -> str:
    """Return a key for the console with this secret, which another program may serve."""
    return _sign(secret, "key", seconds)


def _sign(secret: str, purpose: str, seconds: float) -> str:
    content = f"{int(time.time() + seconds)}.{secrets.token_urlsafe(16)}"
    return f"{content}.{_digest(secret, purpose, content)}"


def _signed_time(secret: str, purpose: str, text: str) -> float | None:
    """Return until when a signed text is valid; None if it is not."""
    content, _, digest = text.rpartition(".")
    is_signed = hmac.compare_digest(digest.encode(), _digest(secret, purpose, content).encode())
    if not is_signed or not content:
        return None
    until = float(content.partition(".")[0])
    return until if until > time.time() else None


def _digest(secret: str, purpose: str, content: str) -> str:
    message = f"{purpose} {content}".encode()
    # 160 bits are enough, and links stay short.
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:40]
