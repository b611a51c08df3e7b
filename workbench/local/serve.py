"""`ofn serve`: the embedded stack until Ctrl-C, told line by line."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from rich.console import Console
from werkzeug.serving import make_server

from workbench.credentials import placeholders
from workbench.credentials.files import read_credential
from workbench.errors import CommandError
from workbench.local import destination, http_server, stack
from workbench.local.log_view import Narrator
from workbench.local.resources import REGION
from workbench.project.compiler import check


def serve(project: Path, port: int, aws_port: int, credentials: Path, console: Console) -> None:
    """Run a project's stack until it is interrupted."""
    _must_be_free("--port", port)
    _must_be_free("--aws-port", aws_port, other=port)
    narrator = Narrator(console)
    secrets = _read_credentials(project, credentials)
    keys = _read_inbox_secrets(project, credentials / "inboxes")
    with ExitStack() as context:
        with console.status("starting the stack from template.yaml …"):
            made = context.enter_context(stack.created(project, narrator.tell))
            sink = context.enter_context(destination.running(narrator.told))
            made_up = _made_up(project, secrets, sink.url)
            for name, body in {**secrets, **made_up}.items():
                made.set_credential(name, body)
            for name, body in keys.items():
                made.set_inbox_secret(name, body)
            endpoint = context.enter_context(aws_endpoint(aws_port))
            urls = context.enter_context(made.serving(port))
            context.enter_context(made.working())
        _greet(console, urls, endpoint)
        for name, body in keys.items():
            console.print(f"The inbox secret {name} is {json.dumps(body)}\n", markup=False)
        _tell_destination(console, credentials, made_up, sink.url)
        _wait()
    console.print("stopped; what was in memory is gone")


@contextmanager
def aws_endpoint(port: int) -> Iterator[str]:
    """Serve the stack's AWS services to other processes, and give the endpoint's URL."""
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler
    )
    with http_server.working(server):
        yield f"http://127.0.0.1:{server.server_port}"


def _must_be_free(option: str, port: int, other: int = 0) -> None:
    remedy = f"choose another with {option} ({option} 0 picks a free one)"
    if port and port == other:
        raise CommandError(f"port {port} is asked for twice: {remedy}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CommandError(f"port {port} is not for everyone to use: {remedy}") from None
        except OSError:
            raise CommandError(f"port {port} is taken: stop what uses it, or {remedy}") from None


def _read_credentials(project: Path, directory: Path) -> dict[str, dict[str, Any]]:
    paths = {name: directory / f"{name}.json" for name in check(project).credentials}
    return {name: read_credential(path) for name, path in paths.items() if path.exists()}


def _made_up(project: Path, found: Collection[str], url: str) -> dict[str, dict[str, Any]]:
    return {
        name: placeholders.configuration(each.adaptor, url)
        for name, each in check(project).credentials.items()
        if name not in found
    }


def _read_inbox_secrets(project: Path, directory: Path) -> dict[str, dict[str, Any]]:
    found = {}
    ways = {auth.secret: auth.way for each in check(project).inboxes.values() for auth in each.auth}
    for name, way in ways.items():
        path = directory / f"{name}.json"
        basic = {"username": "local", "password": token_urlsafe(12)}
        other = {"token" if way == "bearer" else "key": token_urlsafe(12)}
        made_up = basic if way == "basic" else other
        found[name] = read_credential(path) if path.exists() else made_up
    return found


def _greet(console: Console, urls: dict[str, str], endpoint: str) -> None:
    console.print("\n[bold]Inboxes[/bold] (ids for this run only)")
    for name, url in urls.items():
        console.print(f"  {name:<14} {url}", soft_wrap=True)
    console.print("\n[bold]AWS[/bold] for boto3 and the AWS CLI, in another terminal:")
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    exports = " ".join(f"{name}={value}" for name, value in variables.items())
    console.print(f"  export {exports}", soft_wrap=True)
    console.print("\nData is in memory, for development. Ctrl-C stops.\n")


def _tell_destination(
    console: Console, directory: Path, made_up: Mapping[str, dict[str, Any]], url: str
) -> None:
    here = [name for name, body in made_up.items() if url in body.values()]
    nowhere = [name for name in made_up if name not in here]
    for names, where in (
        (here, "to a destination of this command's own, which shows what it receives"),
        (nowhere, "nowhere"),
    ):
        if names:
            console.print(
                f"No {directory / names[0]}.json: {', '.join(names)} leads {where}. "
                f"`ofn credential set {names[0]} --local` writes one.\n",
                markup=False,
                soft_wrap=True,
            )


def _wait() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
