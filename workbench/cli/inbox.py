"""`ofn inbox …`: the secret ids of inboxes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, console
from workbench.errors import CommandError
from workbench.project import inbox_ids
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.stack import connection

app = typer.Typer(help="The secret ids of inboxes.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The inbox's name in project.yaml.")]
Url = Annotated[str, typer.Option(help="The stack's InboxUrl, to show the whole URL.")]


@app.command()
def add(
    name: Name, url: Url = "", project: Project = Path("project"), as_json: Json = False
) -> None:
    """Add an inbox to project.yaml and show its URL, this once."""
    _show(name, inbox_ids.add(project, name), url, as_json=as_json)


@app.command()
def rotate(
    name: Name,
    url: Url = "",
    finish: Annotated[
        bool, typer.Option("--finish", help="Take away all ids but the newest.")
    ] = False,
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Give an inbox a second id, valid beside the first, and show its URL, this once."""
    if not finish:
        _show(name, inbox_ids.rotate(project, name), url, as_json=as_json)
        return
    gone = inbox_ids.finish(project, name)
    if as_json:
        output.as_json({"inbox": name, "taken_away": gone})
    else:
        console.print(f"{name}: {gone} taken away; the newest id stays. Deploy to make it so.")


@app.command("list")
def list_(project: Project = Path("project"), as_json: Json = False) -> None:
    """Show the inboxes and how many ids each has."""
    inboxes = check(project).inboxes
    if as_json:
        output.as_json(
            [{"inbox": name, "ids": len(each.id_sha256)} for name, each in inboxes.items()]
        )
        return
    table = Table("inbox", "ids", "asks for", "keeps once by")
    for name, each in inboxes.items():
        ways = ", ".join(dict.fromkeys(auth.way for auth in each.auth)) or "nothing more"
        path = ".".join(map(str, each.dedupe))
        table.add_row(name, str(len(each.id_sha256)), ways, path)
    console.print(table)


@app.command("url")
def url_(
    name: Name,
    inbox_id: Annotated[
        str, typer.Option("--id", help="The secret id, as it was shown when it was made.")
    ] = "",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show where an inbox of a stack is: with its id, which is checked, the whole URL."""
    inboxes = check(project).inboxes
    require_known("inbox", name, inboxes)
    digest = hashlib.sha256(inbox_id.encode()).hexdigest()
    if inbox_id and digest not in inboxes[name].id_sha256:
        raise CommandError(
            f"{name} has another id; if it is lost, `ofn inbox rotate {name}` gives it a new one"
        )
    whole = f"{connection.output(stack, 'InboxUrl')}{inbox_id}"
    if as_json:
        output.as_json({"inbox": name, "url": whole, "whole": bool(inbox_id)})
        return
    console.print(whole, markup=False, soft_wrap=True)
    if not inbox_id:
        console.print(
            f"and behind it the secret id of {name}, of which the project has only the hash; "
            f"if it is lost, `ofn inbox rotate {name}` gives it a new one"
        )


def _show(name: str, inbox_id: str, url: str, *, as_json: bool) -> None:
    whole = f"{url.rstrip('/')}/{inbox_id}" if url else f"<InboxUrl>{inbox_id}"
    if as_json:
        output.as_json({"inbox": name, "id": inbox_id, "url": whole})
        return
    console.print(whole, markup=False, soft_wrap=True)
    console.print(
        f"The secret URL of {name}. It is shown this once: the project keeps its hash only. "
        "Deploy to make it valid."
    )
