"""The checks before any page: the address, the key, the session, and the origin of a POST."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from console import static_files
from console.request import Request
from console.responses import HTML, error_page, redirect
from console.site import Site

_KEY = "key"


def refuse(request: Request, site: Site) -> Response[str] | None:
    """Return the response to a request that no page may answer, or None."""
    access = site.access
    if not access.is_own_address(request.headers):
        text = "This console answers on its own address of this machine only.\n"
        return Response(HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", text)
    if request.path.startswith(static_files.PREFIX) and request.method == "GET":
        return None
    if request.method == "GET" and (key := request.query.get(_KEY)):
        return _open(request, site, key)
    if not access.is_signed_in(request):
        return error_page(HTTPStatus.UNAUTHORIZED, "signed out", "")
    if request.method != "GET" and not access.is_own_post(request):
        return error_page(HTTPStatus.FORBIDDEN, "other page", "")
    return None


def _open(request: Request, site: Site, key: str) -> Response[str]:
    if site.access.accepts_key(key):
        return redirect(request.url(key=None), site.access.create_cookie())
    if site.access.is_signed_in(request):
        return redirect(request.url(key=None))
    return error_page(HTTPStatus.UNAUTHORIZED, "signed out", "")


def closed() -> Response[str]:
    """Return the response where this process serves no console."""
    text = "The console is served by `ofn serve` and `ofn console`.\n"
    return Response(HTTPStatus.FORBIDDEN, HTML, text)
