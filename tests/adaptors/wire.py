"""A way to PostgreSQL that is watched: what goes over it is counted, encrypted, or cut."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext, SSLSocket

TLS_ASKED, CANCEL = 80877103, 80877102


@dataclass
class Wire:
    """A port of loopback that leads to PostgreSQL's socket.

    `sent` is what clients send, each message's type and content (`Q` executes a text, `P` parses
    one with parameters). `cut` is asked of each: where it says yes, the message does not arrive,
    and the connection ends. With `tls` connections are encrypted if the client asks for it.
    """

    to: str
    port: int
    tls: SSLContext | None = None
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    encrypted: int = 0
    cut: Callable[[str, bytes], bool] = lambda _kind, _content: False

    @property
    def statements(self):
        """The texts that were executed, in order."""
        places = {"Q": 0, "P": 1}
        return [
            content.split(b"\0")[places[kind]].decode()
            for kind, content in self.sent
            if kind in places
        ]

    def serve(self, client):
        size, code = struct.unpack("!ii", _read(client, 8))
        if code == TLS_ASKED:
            client.sendall(b"S" if self.tls else b"N")
            if self.tls:
                with self.tls.wrap_socket(client, server_side=True) as encrypted:
                    self.encrypted += 1
                    self.lead(encrypted, *struct.unpack("!ii", _read(encrypted, 8)))
                return
            size, code = struct.unpack("!ii", _read(client, 8))
        self.lead(client, size, code)

    def lead(self, client, size, code):
        """Lead a client, whose first message begins with this, to PostgreSQL."""
        self.connections += code != CANCEL
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self.to)
            server.sendall(struct.pack("!ii", size, code) + _read(client, size - 8))
            self.watch(client, server)

    def watch(self, client, server):
        """Pass on what comes, in one thread: an encrypted socket bears no two."""
        read = b""
        while True:
            waiting = isinstance(client, SSLSocket) and client.pending()
            ready = [client] if waiting else select.select([client, server], [], [])[0]
            if server in ready:
                client.sendall(_some(server))
            if client in ready:
                read += _some(client)
            while len(read) >= 5 and len(read) > (size := struct.unpack("!i", read[1:5])[0]):
                message, read = read[: size + 1], read[size + 1 :]
                kind, content = message[:1].decode(), message[5:]
                self.sent.append((kind, content))
                if self.cut(kind, content):
                    return
                server.sendall(message)


def _some(end):
    piece = end.recv(65536)
    if not piece:
        raise ConnectionError
    return piece


def _read(end, size):
    found = b""
    while len(found) < size:
        piece = end.recv(size - len(found))
        if not piece:
            raise ConnectionError
        found += piece
    return found


def _accept(listening, wire):
    def serve(client):
        with suppress(OSError), client:
            wire.serve(client)

    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=serve, args=[client], daemon=True).start()


@contextmanager
def wired(folder, tls=None):
    """Listen on a port that leads to the PostgreSQL whose socket is in a folder."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire = Wire(f"{folder}/.s.PGSQL.5432", listening.getsockname()[1], tls)
        thread = threading.Thread(target=_accept, args=[listening, wire], daemon=True)
        thread.start()
        yield wire
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
