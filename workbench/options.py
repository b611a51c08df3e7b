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
# What is shown is quoted from posts and jobs: `:100:` in it is no emoji.
console = Console(emoji=False, highlight=False)
