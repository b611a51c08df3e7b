"""`ofn serve`: the embedded stack until Ctrl-C, told line by line."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer
from rich.console import Console

from workbench import destination, stack
from workbench.compiler import check
from workbench.errors import CannotDo
from workbench.localcredentials import read_credential
from workbench.narrator import Narrator
from workbench.resources import REGION
from workbench.stack import Stack


def serve(project: Path, port: int, aws_port: int, credentials: Path, console: Console) -> None:
    """Run a project's stack until it is interrupted."""
    for option, number in (("--port", port), ("--aws-port", aws_port)):
        _must_be_free(option, number)
    narrator = Narrator(console)
    secrets = _read_credentials(project, credentials)
    with ExitStack() as context:
        with console.status("starting the stack from template.yaml …"):
            made = context.enter_context(stack.created(project, narrator.tell))
            _set_credentials(context, made, project, secrets, narrator, console)
            endpoint = context.enter_context(aws_endpoint(aws_port))
            urls = context.enter_context(made.serving(port))
            context.enter_context(made.working())
        _greet(console, urls, endpoint)
        _wait()
    console.print("stopped; what was in memory is gone")


@contextmanager
def aws_endpoint(port: int) -> Iterator[str]:
    """Serve the stack's AWS services to other processes, and give the endpoint's URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def _must_be_free(option: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CannotDo(
                f"port {port} is taken: stop what uses it, or choose another with {option} "
                f"({option} 0 picks a free one)"
            ) from None


def _read_credentials(project: Path, directory: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for name in check(project).credentials:
        path = directory / f"{name}.json"
        if path.exists():
            found[name] = read_credential(path)
    return found


def _set_credentials(
    context: ExitStack,
    made: Stack,
    project: Path,
    secrets: dict[str, dict[str, Any]],
    narrator: Narrator,
    console: Console,
) -> None:
    for name, body in secrets.items():
        made.set_credential(name, body)
    missing = sorted(set(check(project).credentials) - set(secrets))
    if not missing:
        return
    sink = context.enter_context(destination.running(narrator.told))
    for name in missing:
        made.set_credential(name, {"baseUrl": sink.url})
    console.print(
        f"No credentials/{missing[0]}.json in the project: {', '.join(missing)} "
        f"leads to a destination of this command's own, which shows what it receives."
    )


def _greet(console: Console, urls: dict[str, str], endpoint: str) -> None:
    console.print("\n[bold]Inboxes[/bold] (ids for this run only)")
    for name, url in urls.items():
        console.print(f"  {name:<14} {url}", soft_wrap=True, highlight=False)
    console.print("\n[bold]AWS[/bold] for boto3, the AWS CLI and ofn, in another terminal:")
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    exports = " ".join(f"{name}={value}" for name, value in variables.items())
    console.print(f"  export {exports}", soft_wrap=True, highlight=False)
    console.print("\nData is in memory, for development. Ctrl-C stops.\n")


def _wait() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
