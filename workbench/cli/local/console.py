"""`ofn console`: the web console of a stack."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import Project, Stack, console
from workbench.project.compiler import check
from workbench.stack import clients, connection, local


def open_console(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the console; 0 picks a free one.")
    ] = 0,
    stack: Stack = "openfn",
    project: Project = Path("project"),
) -> None:
    """Print a link that opens the web console of a stack.

    For a stack in AWS, and for one that `ofn serve` does not run now, serve the console on this
    machine until Ctrl-C.
    """
    from workbench.console import links  # noqa: PLC0415 - it takes long to import

    folder = local.find_folder(stack)
    if folder and (link := links.link_of_running(folder)):
        _print_link(link)
        return
    checked = check(project)
    with (
        connection.connected(stack, project, checked),
        links.serving(stack, clients.caller(), project, folder, port) as link,
    ):
        _print_link(link)
        console.print("Press Ctrl-C to stop.")
        _wait_for_signal()


def _print_link(link: str) -> None:
    console.print(f"Open this link. It works once, within five minutes.\n  {link}", soft_wrap=True)


def _wait_for_signal() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
