"""Connections: kept per thread, origin and TLS identity, with a deadline for each request.

The deadline covers the whole response: a destination that sends a byte now and then is cut off
like a silent one.
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
# A connection that idles while Lambda has frozen the function is often dead without notice.
_IDLE_SECONDS = 60.0
_MAX_POOLS = 32
_CHUNK_BYTES = 1 << 14  # TLS sends it as one record
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_ENVIRONMENT = (*_PROXIES, *map(str.upper, _PROXIES))
_thread = local()


def round_trip(
    request: PreparedRequest, tls: Tls | None, deadline: float, max_bytes: int, display_url: str
) -> tuple[BaseHTTPResponse, bytes]:
    """Send a request and read its response, without redirects.

    `deadline` is a time of the monotonic clock. Raises what urllib3 raises, and RemoteRefused for
    a body of more than `max_bytes`; that error shows `display_url`.
    """
    url, _thread.deadline = request.url or "", deadline
    response = _pool_manager(url, tls).urlopen(
        request.method or "",
        urldefragauth(url),  # a proxy sees it
        body=request.body,
        headers=request.headers,
        redirect=False,
        retries=False,
        preload_content=False,
        timeout=Timeout(connect=min(_CONNECT_SECONDS, _seconds_left())),
    )
    chunks, size = [], 0
    for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            response.close()
            raise RemoteRefused(
                f"{request.method} {display_url}: the response has more than {max_bytes:,} bytes. "
                "Request less, for example page by page."
            )
    return response, b"".join(chunks)


def _pool_manager(url: str, tls: Tls | None) -> PoolManager:
    managers: dict[Any, tuple[PoolManager, float]] = _thread.__dict__.setdefault("managers", {})
    url_origin, now = origin(url), time.time()  # unlike the monotonic clock, not frozen with us
    key = (url_origin, tls, _proxy(url_origin, tuple(map(os.environ.get, _ENVIRONMENT))))
    manager, last_used = managers.pop(key) if key in managers else (_new_manager(*key), now)
    if now - last_used > _IDLE_SECONDS:
        manager.clear()
    managers[key] = manager, now
    if len(managers) > _MAX_POOLS:
        managers.pop(next(iter(managers)))[0].clear()
    return manager


@lru_cache(maxsize=256)
def _proxy(url_origin: str, _environment: tuple[str | None, ...]) -> str | None:
    # It takes half as long as a request, and depends on the environment only.
    return select_proxy(url_origin, get_environ_proxies(url_origin))


def _new_manager(url_origin: str, tls: Tls | None, proxy: str | None) -> PoolManager:
    options: dict[str, Any] = {"maxsize": 1}
    if url_origin.startswith("https:"):
        options["ssl_context"] = ssl_context(tls)
    manager: PoolManager
    if proxy:
        user = ":".join(get_auth_from_url(proxy))
        headers = make_headers(proxy_basic_auth=user) if user != ":" else None
        proxy_url = proxy if "://" in proxy else f"http://{proxy}"
        manager = ProxyManager(proxy_url, proxy_headers=headers, **options)
    else:
        manager = PoolManager(**options)
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return manager


def _seconds_left() -> float:
    seconds: float = _thread.deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _send(connection: HTTPConnection, data: bytes) -> None:
    if connection.sock is None:
        connection.connect()
    for start in range(0, len(data), _CHUNK_BYTES):
        connection.sock.settimeout(_seconds_left())
        try:
            connection.sock.sendall(data[start : start + _CHUNK_BYTES])
        except ssl.SSLEOFError:
            connection.sock.recv(1)  # raises the reason: it may require another certificate
            raise


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until the deadline."""

    def __init__(self, file: Any, sock: Any) -> None:
        super().__init__()
        self._file, self._sock = file, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_seconds_left())
        size: int = self._file.raw.readinto(buffer)
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp, sock))


class _HttpConnection(HTTPConnection):
    response_class = _DeadlineResponse

    def send(self, data: Any) -> None:
        _send(self, data)


class _HttpsConnection(HTTPSConnection):
    response_class = _DeadlineResponse

    def send(self, data: Any) -> None:
        _send(self, data)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection
