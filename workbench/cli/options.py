"""The options that several commands have in common, and the console they show things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Project = Annotated[
    Path, typer.Option("--project", file_okay=False, help="The folder of project.yaml.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
Stack = Annotated[
    str, typer.Option("--stack", help="The stack's name; credentials and region as the AWS CLI's.")
]
Event = Annotated[
    Path | None, typer.Argument(exists=True, dir_okay=False, help="A file with the body of a post.")
]
Query = Annotated[str, typer.Option(help="The query string the inbox URL had, such as site=A.")]
ContentType = Annotated[
    str, typer.Option(help="The body's content type, if it is a form; a .form file is one.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
# What is shown is quoted from posts and jobs: `:100:` in it is no emoji.
console = Console(emoji=False, highlight=False)


def sure(question: str, *, yes: bool) -> None:
    """Ask, on standard error, whether to go on; anything but a yes ends the command."""
    if not yes:
        typer.confirm(question, abort=True, err=True)
