"""`ofn serve`: a stack on this machine, with its web console."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import Project, console

if TYPE_CHECKING:
    from workbench.local import serve as server
    from workbench.local.session import Session


def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the inboxes; 0 picks a free one.")
    ] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Other machines reach 0.0.0.0.")
    ] = "127.0.0.1",
    public_url: Annotated[
        str | None,
        typer.Option(help="What the inboxes' URLs begin with, behind a reverse proxy."),
    ] = None,
    data: Annotated[
        Path, typer.Option(file_okay=False, help="Folder in which all data is stored.")
    ] = Path(".openfn"),
    memory: Annotated[
        bool, typer.Option("--memory", help="Store data in memory only, until Ctrl-C.")
    ] = False,
    aws_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Also answer boto3 and the AWS CLI on this port; 0: a free one."
        ),
    ] = None,
    console_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port of the web console. [default: the port after --port]"
        ),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with a NAME.json file for each credential. [default: PROJECT/credentials]",
        ),
    ] = None,
    project: Project = Path("project"),
) -> None:
    """Run a stack and its web console on this machine until Ctrl-C."""
    from workbench.local import serve as server  # noqa: PLC0415 - it takes long to import

    folder = credentials or project / "credentials"
    options = server.Options(
        project, folder, None if memory else data, port, host, public_url, aws_port, console_port
    )
    server.serve(options, console, _open_console)


def _open_console(
    options: server.Options, session: Session, port: int
) -> AbstractContextManager[str]:
    # Its import takes long, and the inboxes respond meanwhile.
    from workbench.console import beside_stack  # noqa: PLC0415

    return beside_stack.open_console(options, session, port)
