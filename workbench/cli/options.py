"""Options that several commands share, and the console they print to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from openfn.control_characters import escape_controls
from workbench.project import project_folder


def _locate(context: typer.Context, parameter: typer.CallbackParam, value: Path) -> Path:
    source = context.get_parameter_source(str(parameter.name))
    if source is not None and source.name != "DEFAULT":
        return value
    return project_folder.find(Path()) or value


Project = Annotated[
    Path,
    typer.Option(
        "--project",
        file_okay=False,
        callback=_locate,
        help="The folder with project.yaml, if it is not this folder, a folder `project` in it, or "
        "a parent.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Stack = Annotated[
    str,
    typer.Option(
        "--stack", help="The stack's name. AWS credentials and region are those of the AWS CLI."
    ),
]
Event = Annotated[
    Path | None, typer.Argument(exists=True, dir_okay=False, help="A file with the body of a post.")
]
Query = Annotated[str, typer.Option(help="The query string of the post, such as site=A.")]
ContentType = Annotated[
    str, typer.Option(help="The body's content type. Files that end in .form are forms.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


class TerminalConsole(Console):
    """A console that shows control characters of all texts as escapes."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text for the terminal. Rich calls this for each text and each cell."""
        return super().render_str(escape_controls(text), **options)


# Posts and jobs are printed as they are: `:100:` in them is not an emoji.
console = TerminalConsole(emoji=False, highlight=False)
# Results go to standard output only, so that they can be piped.
hints = TerminalConsole(emoji=False, highlight=False, stderr=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on standard error whether to continue. Any answer but yes aborts."""
    if not yes:
        typer.confirm(question, abort=True, err=True)
