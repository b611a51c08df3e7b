"""A server on loopback that pretends to be PostgreSQL, and requests a password it can read."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.support.postgres_proxy import SSL_REQUEST

# The body of the message R, AuthenticationRequest.
NO_LOGIN, CLEARTEXT, MD5 = struct.pack("!i", 0), struct.pack("!i", 3), b"\0\0\0\5salt"


@dataclass
class Impostor:
    """A port on loopback; `received` has what a client sent after the request for a login."""

    port: int
    tls: ssl.SSLContext | None
    login: bytes
    logins: int = 0
    received: bytes = b""

    def serve(self, client):
        size, code = struct.unpack("!ii", _receive(client, 8))
        if code != SSL_REQUEST:
            self.request_login(client, size)
            return
        client.sendall(b"S" if self.tls else b"N")
        if self.tls:
            with self.tls.wrap_socket(client, server_side=True) as encrypted:
                self.request_login(encrypted, *struct.unpack("!i4x", _receive(encrypted, 8)))

    def request_login(self, client, size):
        """Request a login from a client whose first message has this size."""
        _receive(client, size - 8)
        self.logins += 1
        client.sendall(b"R" + struct.pack("!i", 4 + len(self.login)) + self.login)
        if self.login == NO_LOGIN:
            client.sendall(b"Z\0\0\0\5I")
        self.received = client.recv(4096)


def _receive(client, size):
    data = b""
    while len(data) < size and (part := client.recv(size - len(data))):
        data += part
    return data


@contextmanager
def running(authority, login):
    """Run an impostor until the end; with an authority, it offers TLS."""
    tls = None
    if authority:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        impostor = Impostor(listener.getsockname()[1], tls, login)
        thread = threading.Thread(target=_serve_one, args=[listener, impostor], daemon=True)
        thread.start()
        yield impostor
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve_one(listener, impostor):
    with suppress(OSError, struct.error):
        client, _ = listener.accept()
        with client:
            impostor.serve(client)
