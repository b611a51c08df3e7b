"""`ofn inbox …`: the secret ids of inboxes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, console, hints
from workbench.errors import CommandError
from workbench.project import inbox_ids
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.stack import connection
from workbench.text import count_of

app = typer.Typer(help="Add inboxes and change their secret URLs.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The inbox's name in project.yaml.")]
Url = Annotated[str, typer.Option(help="The stack's output InboxUrl, to print the complete URL.")]


@app.command()
def add(
    name: Name, url: Url = "", project: Project = Path("project"), as_json: Json = False
) -> None:
    """Add an inbox to project.yaml and print its secret URL once."""
    _print_url(name, inbox_ids.add(project, name), url, as_json=as_json)


@app.command()
def rotate(
    name: Name,
    url: Url = "",
    finish: Annotated[
        bool, typer.Option("--finish", help="Remove all ids except the newest.")
    ] = False,
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Add a second id to an inbox and print the new URL once. The first id stays valid."""
    if not finish:
        _print_url(name, inbox_ids.rotate(project, name), url, as_json=as_json)
        return
    removed = inbox_ids.finish(project, name)
    if as_json:
        output.as_json({"inbox": name, "taken_away": removed})
    else:
        ids = count_of(removed, "old id")
        console.print(f"Removed {ids} of {name}. The newest stays. Deploy to apply the change.")


@app.command("list")
def list_(project: Project = Path("project"), as_json: Json = False) -> None:
    """List the inboxes with the number of their ids."""
    inboxes = check(project).inboxes
    if as_json:
        output.as_json(
            [{"inbox": name, "ids": len(inbox.id_sha256)} for name, inbox in inboxes.items()]
        )
        return
    rows = []
    for name, inbox in inboxes.items():
        schemes = ", ".join(dict.fromkeys(auth.way for auth in inbox.auth)) or "none"
        dedupe = ".".join(map(str, inbox.dedupe))
        rows.append((name, str(len(inbox.id_sha256)), schemes, dedupe))
    output.table(console, ("inbox", "ids", "login", "dedupe"), rows)


@app.command("url")
def url_(
    name: Name,
    inbox_id: Annotated[
        str, typer.Option("--id", help="The secret id, as printed when it was created.")
    ] = "",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Print the URL of an inbox. With its secret id, check the id and print the complete URL."""
    inboxes = check(project).inboxes
    require_known("inbox", name, inboxes)
    digest = hashlib.sha256(inbox_id.encode()).hexdigest()
    if inbox_id and digest not in inboxes[name].id_sha256:
        raise CommandError(
            f"This is not an id of {name}. If it is lost, `ofn inbox rotate {name}` creates a new "
            "one."
        )
    url = f"{connection.output(stack, 'InboxUrl')}{inbox_id}"
    if as_json:
        output.as_json({"inbox": name, "url": url, "whole": bool(inbox_id)})
        return
    console.print(url, markup=False, soft_wrap=True)
    if not inbox_id:
        hints.print(
            f"Add the secret id of {name} at the end. The project stores only its hash: if the "
            f"id is lost, `ofn inbox rotate {name}` creates a new one."
        )


def _print_url(name: str, inbox_id: str, url: str, *, as_json: bool) -> None:
    complete = f"{url.rstrip('/')}/{inbox_id}" if url else f"<InboxUrl>{inbox_id}"
    if as_json:
        output.as_json({"inbox": name, "id": inbox_id, "url": complete})
        return
    console.print(complete, markup=False, soft_wrap=True)
    hints.print(
        f"This is the secret URL of {name}. Copy it now: the project has only its hash. "
        "Deploy the project before you use it."
    )
