"""`ofn serve`: a stack on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import Project, console


def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the inboxes; 0 picks a free one.")
    ] = 8080,
    aws_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the AWS services; 0 picks a free one.")
    ] = 5000,
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
    """Run a stack on this machine until Ctrl-C. Its data is kept in memory only."""
    from workbench.local import serve as server  # noqa: PLC0415 - moto takes a second to import

    server.serve(project, port, aws_port, credentials or project / "credentials", console)
