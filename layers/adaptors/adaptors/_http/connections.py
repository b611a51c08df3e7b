"""Connections that are kept, per thread, origin and TLS identity, and the time each call has.

The time is for all of a call: a destination that sends a byte now and then is cut off like one
that is silent.
"""

from __future__ import annotations

import io
import os
import ssl
import time
from functools import lru_cache
from http.client import HTTPResponse
from threading import local
from typing import Any

from requests import PreparedRequest
from requests.utils import (
    get_auth_from_url,
    get_environ_proxies,
    select_proxy,
    urldefragauth,
)
from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPSConnectionPool,
    PoolManager,
    ProxyManager,
    Timeout,
    make_headers,
)
from urllib3.connection import HTTPConnection, HTTPSConnection

from adaptors._http.tls import Tls, ssl_context
from adaptors._http.urls import origin
from adaptors.errors import RemoteRefused

_CONNECT_SECONDS = 10.0
# A connection that idles while Lambda has frozen the function is often dead without a sign.
_IDLE_SECONDS = 60.0
_KEPT = 32
_PIECE = 1 << 14  # TLS sends it as one record, in the time that is left
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_ENVIRONMENT = (*_PROXIES, *map(str.upper, _PROXIES))
_warm = local()


def round_trip(
    request: PreparedRequest, tls: Tls | None, until: float, most: int, told: str
) -> tuple[BaseHTTPResponse, bytes]:
    """Send a request and read its answer until a moment of the monotonic clock, without redirects.

    Raises what urllib3 raises, and `RemoteRefused` when the answer has more bytes than `most`; in
    that `told` stands for the address.
    """
    url, _warm.until = request.url or "", until
    response = _manager(url, tls).urlopen(
        request.method or "",
        urldefragauth(url),  # what a proxy is sent
        body=request.body,
        headers=request.headers,
        redirect=False,
        retries=False,
        preload_content=False,
        timeout=Timeout(connect=min(_CONNECT_SECONDS, _left())),
    )
    pieces, size = [], 0
    for piece in response.stream(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            response.close()
            raise RemoteRefused(
                f"{request.method} {told}: the answer has more than {most:,} bytes; "
                "ask for less, page by page perhaps"
            )
    return response, b"".join(pieces)


def _manager(url: str, tls: Tls | None) -> PoolManager:
    kept: dict[Any, tuple[PoolManager, float]] = _warm.__dict__.setdefault("kept", {})
    where, now = origin(url), time.time()  # the clock of the wall goes on while we are frozen
    key = (where, tls, _proxy(where, tuple(map(os.environ.get, _ENVIRONMENT))))
    manager, used = kept.pop(key) if key in kept else (_made(*key), now)
    if now - used > _IDLE_SECONDS:
        manager.clear()
    kept[key] = manager, now
    if len(kept) > _KEPT:
        kept.pop(next(iter(kept)))[0].clear()
    return manager


@lru_cache(maxsize=256)
def _proxy(where: str, _environment: tuple[str | None, ...]) -> str | None:
    # It takes as long as half of a request, and is the same as long as the environment is.
    return select_proxy(where, get_environ_proxies(where))


def _made(where: str, tls: Tls | None, proxy: str | None) -> PoolManager:
    options: dict[str, Any] = {"maxsize": 1}
    if where.startswith("https:"):
        options["ssl_context"] = ssl_context(tls)
    manager: PoolManager
    if proxy:
        user = ":".join(get_auth_from_url(proxy))
        headers = make_headers(proxy_basic_auth=user) if user != ":" else None
        address = proxy if "://" in proxy else f"http://{proxy}"
        manager = ProxyManager(address, proxy_headers=headers, **options)
    else:
        manager = PoolManager(**options)
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return manager


def _left() -> float:
    seconds: float = _warm.until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _send(connection: HTTPConnection, data: bytes) -> None:
    if connection.sock is None:
        connection.connect()
    for start in range(0, len(data), _PIECE):
        connection.sock.settimeout(_left())
        try:
            connection.sock.sendall(data[start : start + _PIECE])
        except ssl.SSLEOFError:
            connection.sock.recv(1)  # raises why it hung up: it may want another certificate
            raise


class _Received(io.RawIOBase):
    """What a socket receives, in the time that is left."""

    def __init__(self, file: Any, sock: Any) -> None:
        super().__init__()
        self._file, self._sock = file, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left())
        read: int = self._file.raw.readinto(buffer)
        return read

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Received(self.fp, sock))


class _Plain(HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        _send(self, data)


class _Secure(HTTPSConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        _send(self, data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure
