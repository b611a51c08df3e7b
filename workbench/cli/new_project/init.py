"""`ofn init`: create a project with a job, its test and an example post."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from workbench.cli.new_project.files import files
from workbench.cli.new_project.starters import DestinationName, SourceName
from workbench.cli.options import console, hints
from workbench.errors import CommandError
from workbench.project import inbox_ids
from workbench.project.compiler import check
from workbench.project.schema.base import NAME

Choice = TypeVar("Choice", bound=StrEnum)
# A folder may have these already.
_OPTIONAL = {"README.md", ".gitignore"}


def init(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="The new project.")] = Path(),
    source: Annotated[SourceName | None, typer.Option(help="Where the data comes from.")] = None,
    destination: Annotated[
        DestinationName | None, typer.Option(help="Where the data goes.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="The project's name. [default: the folder's name]")
    ] = "",
) -> None:
    """Create a project with a trigger, a job, its test and an example post.

    Asks for what no option says; where nobody can answer, takes kobo, http and the folder's name.
    """
    source = source or _ask("Where does the data come from", SourceName.KOBO)
    destination = destination or _ask("Where does it go", DestinationName.HTTP)
    name = name or _ask_name(folder)
    if not re.fullmatch(NAME, name):
        raise CommandError(
            f"`{name}` cannot be the name of a project. Begin with a letter or digit, then use "
            "only letters, digits, - and _ (at most 64)."
        )
    inbox_id, digest = inbox_ids.create_id()
    for path in _write(folder, files(name, digest, source, destination)):
        console.print(str(path), markup=False, soft_wrap=True)
    check(folder)
    hints.print(
        f"The secret id of the inbox {source.value} in a deployed stack is {inbox_id}. Copy it "
        "now: the project has only its hash. README.md has the next steps.",
        soft_wrap=True,
    )


def _ask(question: str, default: Choice) -> Choice:
    if not sys.stdin.isatty():
        return default
    choices = ", ".join(type(default))
    while True:
        answer = str(typer.prompt(f"{question}? ({choices})", default=default.value, err=True))
        if answer in list(type(default)):
            return type(default)(answer)


def _ask_name(folder: Path) -> str:
    default = re.sub("[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-_")[:64] or "project"
    if not sys.stdin.isatty():
        return default
    return str(typer.prompt("The project's name", default=default, err=True))


def _write(folder: Path, contents: dict[str, str]) -> list[Path]:
    existing = [name for name in contents if (folder / name).exists() and name not in _OPTIONAL]
    if existing:
        raise CommandError(f"{folder / existing[0]} already exists. Choose another folder.")
    new = {folder / name: text for name, text in contents.items() if not (folder / name).exists()}
    for path, text in new.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(new)
