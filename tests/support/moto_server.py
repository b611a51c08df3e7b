"""moto's services for other processes."""

from __future__ import annotations

from contextlib import contextmanager

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from workbench.local import http_server


@contextmanager
def serve_aws(port):
    """Serve the services that moto has in this process and yield the endpoint's URL."""
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler
    )
    with http_server.run_in_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"
