"""`ofn serve`: run the embedded stack until Ctrl-C and print what happens."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
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
from workbench.local import http_server, resources
from workbench.local.destination import run_destination
from workbench.local.lambda_functions import OnLogLine
from workbench.local.log_view import LogView
from workbench.local.stack import Stack, create_stack
from workbench.project.compiler import check
from workbench.store.stack_template import REGION

_Secrets = dict[str, dict[str, Any]]


def serve(project: Path, port: int, aws_port: int, credentials: Path, console: Console) -> None:
    """Run a project's stack until SIGINT or SIGTERM."""
    _require_free_port("--port", port)
    _require_free_port("--aws-port", aws_port, other=port)
    log_view = LogView(console)
    secrets = _read_credentials(project, credentials)
    inbox_secrets = _read_inbox_secrets(project, credentials / "inboxes")
    with ExitStack() as context:
        with console.status("starting the stack from template.yaml …"):
            stack = context.enter_context(_start_stack(project, log_view.print_log_line))
            destination = context.enter_context(run_destination(log_view.print_received))
            generated = _generate_credentials(project, secrets, destination.url)
            for name, body in {**secrets, **generated}.items():
                stack.set_credential(name, body)
            for name, body in inbox_secrets.items():
                stack.set_inbox_secret(name, body)
            endpoint = context.enter_context(serve_aws(aws_port))
            urls = context.enter_context(stack.serving(port))
            context.enter_context(stack.running())
        _print_urls(console, urls, endpoint)
        for name, body in inbox_secrets.items():
            console.print(f"The inbox secret {name} is {json.dumps(body)}\n", markup=False)
        _print_missing_credentials(console, credentials, generated, destination.url)
        _wait_for_signal()
    console.print("Stopped. The data in memory is gone.")


@contextmanager
def serve_aws(port: int) -> Iterator[str]:
    """Serve the stack's AWS services to other processes and yield the endpoint's URL."""
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler
    )
    with http_server.run_in_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


def _start_stack(project: Path, on_log_line: OnLogLine) -> AbstractContextManager[Stack]:
    return create_stack(project, on_log_line, create_resources=resources.create, workers=True)


def _require_free_port(option: str, port: int, other: int = 0) -> None:
    remedy = f"Choose another port with {option}; `{option} 0` picks a free one."
    if port and port == other:
        raise CommandError(f"Port {port} is used twice. {remedy}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CommandError(f"Port {port} needs administrator rights. {remedy}") from None
        except OSError:
            raise CommandError(f"Port {port} is in use by another program. {remedy}") from None


def _read_credentials(project: Path, directory: Path) -> _Secrets:
    paths = {name: directory / f"{name}.json" for name in check(project).credentials}
    return {name: read_credential(path) for name, path in paths.items() if path.exists()}


def _generate_credentials(project: Path, existing: Collection[str], url: str) -> _Secrets:
    return {
        name: placeholders.configuration(credential.adaptor, url)
        for name, credential in check(project).credentials.items()
        if name not in existing
    }


def _read_inbox_secrets(project: Path, directory: Path) -> _Secrets:
    inboxes = check(project).inboxes.values()
    schemes = {name: scheme for inbox in inboxes for name, scheme in inbox.secret_schemes().items()}
    paths = {name: directory / f"{name}.json" for name in schemes}
    return {
        name: read_credential(path) if path.exists() else _generate_inbox_secret(schemes[name])
        for name, path in paths.items()
    }


def _generate_inbox_secret(scheme: str) -> dict[str, Any]:
    if scheme == "basic":
        return {"username": "local", "password": token_urlsafe(12)}
    return {"token" if scheme == "bearer" else "key": token_urlsafe(12)}


def _print_urls(console: Console, urls: Mapping[str, str], endpoint: str) -> None:
    console.print("\n[bold]Inboxes[/bold] (the ids are new in every session)")
    for name, url in urls.items():
        console.print(f"  {name:<14} {url}", soft_wrap=True)
    console.print("\n[bold]AWS[/bold] for boto3 and the AWS CLI, in another terminal:")
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    exports = " ".join(f"{name}={value}" for name, value in variables.items())
    console.print(f"  export {exports}", soft_wrap=True)
    console.print("\nData is in memory only, for development. Press Ctrl-C to stop.\n")


def _print_missing_credentials(
    console: Console, directory: Path, generated: _Secrets, url: str
) -> None:
    local = [name for name, body in generated.items() if url in body.values()]
    unreachable = [name for name in generated if name not in local]
    for names, target in (
        (local, "the built-in destination, which prints what it receives"),
        (unreachable, "an address that does not exist"),
    ):
        if names:
            console.print(
                f"No {directory / names[0]}.json: data for {', '.join(names)} goes to {target}. "
                f"Write the file with `ofn credential set {names[0]} --local`.\n",
                markup=False,
                soft_wrap=True,
            )


def _wait_for_signal() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
