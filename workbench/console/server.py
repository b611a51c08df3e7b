"""Serve the console of the connected stack on a loopback port of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from werkzeug.wrappers import Request, Response

from console import site
from console.access import Access
from console.site import Site
from functions.console.app import lambda_handler
from workbench.console.project_tools import ProjectTools
from workbench.local import api_gateway, http_server
from workbench.stack import local

Urls = Callable[[], Mapping[str, str]]
"""Returns the URLs of the inboxes by name, where this machine knows them."""
# A page searches so long before it shows how far it got, and goes on.
_LOCAL_SECONDS, _AWS_SECONDS = 0.2, 4.0
_MAX_REQUEST_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """A running console."""

    url: str
    access: Access

    def create_link(self, seconds: float) -> str:
        """Return a link that opens the console once within some seconds."""
        return f"{self.url}/?key={self.access.create_key(seconds)}"


@contextmanager
def serve(
    stack: str, person: str, secret: str, project: Path, urls: Urls, port: int = 0
) -> Iterator[Server]:
    """Serve the console of a stack and of its project's folder.

    `secret` signs keys and sessions. Port 0 picks a free one.
    """
    with http_server.serve(_respond, port) as url:
        address = url.removeprefix("http://")
        hosts = (address, f"localhost:{address.rpartition(':')[2]}")
        access = Access(secret, hosts)
        seconds = _LOCAL_SECONDS if local.active() else _AWS_SECONDS
        tools = ProjectTools(project, stack)
        with site.use(Site(stack, access, person, urls, tools, seconds)):
            yield Server(url, access)


def _respond(request: Request) -> Response:
    if (request.content_length or 0) > _MAX_REQUEST_BYTES:
        return Response("", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    content = request.get_data(cache=False)
    event = api_gateway.event_of(request, content, (request.method, "$default"), {})
    return api_gateway.response_of(lambda_handler(event, None))
