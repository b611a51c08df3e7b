"""Deprecated names of the first release; use `tests.support.wsgi_server`.

Tests that `ofn new-adaptor` wrote in the first release import this module.
"""

from __future__ import annotations

from contextlib import contextmanager

from tests.support.wsgi_server import HTML, html_page, redirect, serve, status, truncated
from tests.support.wsgi_server import WsgiServer as Served

__all__ = ["HTML", "Served", "html_page", "redirect", "served", "status", "truncated"]


@contextmanager
def served(app, tls=None):
    """Serve a WSGI application; `troubles` is the old name of `failures`."""
    with serve(app, tls) as server:
        server.troubles = server.failures
        yield server
