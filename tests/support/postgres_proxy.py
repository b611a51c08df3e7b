"""A proxy in front of PostgreSQL that counts, encrypts or cuts what clients send."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext, SSLSocket

SSL_REQUEST, CANCEL_REQUEST = 80877103, 80877102
STATEMENT_FIELDS = {"Q": 0, "P": 1}
"""The position of the SQL in a message: Query and Parse."""


@dataclass
class Proxy:
    """A port on loopback that forwards to PostgreSQL's socket.

    `messages` has the type and content of everything clients sent (`Q` executes a text, `P` parses
    one with parameters). `should_cut` is called with each message: if it returns true, the message
    is not forwarded and the connection ends. `rewrite` returns what is forwarded instead of a
    message of the same length. With `tls`, connections are encrypted if the client
    requests it.
    """

    socket_path: str
    port: int
    tls: SSLContext | None = None
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    encrypted: int = 0
    should_cut: Callable[[str, bytes], bool] = lambda _kind, _content: False
    rewrite: Callable[[bytes], bytes] = bytes

    @property
    def statements(self):
        """The texts that were executed, in order."""
        return [
            content.split(b"\0")[STATEMENT_FIELDS[kind]].decode()
            for kind, content in self.messages
            if kind in STATEMENT_FIELDS
        ]

    def serve(self, client):
        size, code = struct.unpack("!ii", _receive_exactly(client, 8))
        if code == SSL_REQUEST:
            client.sendall(b"S" if self.tls else b"N")
            if self.tls:
                with self.tls.wrap_socket(client, server_side=True) as encrypted:
                    self.encrypted += 1
                    self.forward(encrypted, *struct.unpack("!ii", _receive_exactly(encrypted, 8)))
                return
            size, code = struct.unpack("!ii", _receive_exactly(client, 8))
        self.forward(client, size, code)

    def forward(self, client, size, code):
        """Forward a client, whose first message has this size and code, to PostgreSQL."""
        self.connections += code != CANCEL_REQUEST
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self.socket_path)
            server.sendall(struct.pack("!ii", size, code) + _receive_exactly(client, size - 8))
            self.pump(client, server)

    def pump(self, client, server):
        """Copy data both ways, in one thread: an encrypted socket does not allow two."""
        buffer = b""
        while True:
            is_pending = isinstance(client, SSLSocket) and client.pending()
            ready = [client] if is_pending else select.select([client, server], [], [])[0]
            if server in ready:
                client.sendall(_receive(server))
            if client in ready:
                buffer += _receive(client)
            while len(buffer) >= 5 and len(buffer) > (size := struct.unpack("!i", buffer[1:5])[0]):
                message, buffer = buffer[: size + 1], buffer[size + 1 :]
                kind, content = message[:1].decode(), message[5:]
                self.messages.append((kind, content))
                if self.should_cut(kind, content):
                    return
                server.sendall(self.rewrite(message))


def _receive(connection):
    data = connection.recv(65536)
    if not data:
        raise ConnectionError
    return data


def _receive_exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


def _accept(listener, proxy):
    def serve(client):
        with suppress(OSError), client:
            proxy.serve(client)

    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=[client], daemon=True).start()


@contextmanager
def running(folder, tls=None):
    """Run a proxy to the PostgreSQL server whose socket is in a folder."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(f"{folder}/.s.PGSQL.5432", listener.getsockname()[1], tls)
        thread = threading.Thread(target=_accept, args=[listener, proxy], daemon=True)
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
