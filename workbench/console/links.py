"""Links that open a console: the one of `ofn serve`, or one that this process serves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from console.access import create_key
from workbench.console import server
from workbench.local import data_folder

_SECONDS = 300


def link_of_running(folder: Path) -> str | None:
    """Return a link to the console that `ofn serve` serves for a folder, if it runs."""
    url = data_folder.console_url(folder)
    if url is None or not _answers(url):
        return None
    return f"{url}/?key={create_key(data_folder.console_secret(folder), _SECONDS)}"


@contextmanager
def serving(
    stack: str, person: str, project: Path, folder: Path | None, port: int
) -> Iterator[str]:
    """Serve the console of the connected stack; yield a link that opens it."""
    secret = data_folder.console_secret(folder)
    with server.serve(stack, person, secret, project, dict, port) as running:
        yield running.create_link(_SECONDS)


def _answers(url: str) -> bool:
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 0), 1):
            return True
    except OSError:
        return False
