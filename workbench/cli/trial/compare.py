"""`ofn compare`: whether two jobs do the same with saved posts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Project, console
from workbench.cli.trial.stub_responses import parse_responses
from workbench.errors import CommandError
from workbench.project.compiler import PROJECT_FILE
from workbench.project.references import names_in
from workbench.project.yaml_source import read_yaml
from workbench.testing.comparison import Side, differences
from workbench.testing.local_run import state_from_post
from workbench.testing.saved_posts import headers_of
from workbench.text import count_of

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file of a job.")]


def compare(
    old: _File,
    new: _File,
    events: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="A folder with the bodies of posts."),
    ],
    adaptor: Annotated[
        str, typer.Option(help="The adaptor of JavaScript jobs, such as salesforce@2.")
    ] = "common",
    new_adaptor: Annotated[
        str, typer.Option(help="The adaptor of the second job, if it is another: salesforce@5.")
    ] = "",
    response: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD[ PATH]=FILE",
            help="The response to a request, the same for both jobs: GET=visits.json.",
        ),
    ] = None,
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Run two jobs on the same posts, and compare what they would send, emit and return.

    Nothing is sent. The jobs may be in Python or JavaScript.
    """
    inboxes = _inboxes(project)
    sides = Side(old, adaptor, inboxes), Side(new, new_adaptor or adaptor, inboxes)
    same_language = old.suffix == new.suffix
    results = {}
    for event in _events(events):
        body = event.read_bytes()
        runs = [
            side.run(
                state_from_post(body, {}, headers_of(event, "")), parse_responses(response or ())
            )
            for side in sides
        ]
        results[event.name] = differences(*runs, same_language=same_language)
    _report(results, as_json=as_json)
    if any(results.values()):
        raise typer.Exit(1)


def _events(folder: Path) -> Iterator[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    if not files:
        raise CommandError(f"{folder} has no files. Save the body of each post in a file.")
    yield from files


def _inboxes(project: Path) -> list[str]:
    file = project / PROJECT_FILE
    return names_in(read_yaml(file), "inboxes") if file.is_file() else []


def _report(results: dict[str, list[str]], *, as_json: bool) -> None:
    if as_json:
        output.as_json({"differences": results})
        return
    for name, lines in results.items():
        console.print(f"{name}: {'different' if lines else 'the same'}", markup=False)
        for line in lines:
            console.print(f"  {line}", markup=False, soft_wrap=True)
    same = sum(not lines for lines in results.values())
    console.print(f"{same} of {count_of(len(results), 'post')}: the same. (old | new)")
