"""`ofn credential …`: the secrets behind the credentials of a project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from workbench.cli import output
from workbench.cli.credential_prompt import asked
from workbench.cli.options import Json, Project, Stack, Yes, console, sure
from workbench.credentials import secrets_manager
from workbench.credentials.fields import given, mistakes, model, renamed, unknown
from workbench.credentials.files import file_of, parsed, read_credential, write_credential
from workbench.errors import CommandError
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.stack import connection

app = typer.Typer(help="The secrets of credentials.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The credential's name in project.yaml.")]
File = Annotated[
    str, typer.Option(help="A JSON file with the whole credential; - is standard input.")
]
Local = Annotated[
    bool,
    typer.Option(
        "--local", help="Write PROJECT/credentials/NAME.json, for `ofn try` and `ofn serve`."
    ),
]
_SOON = "A warm runner reads it again within five minutes."


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where a credential is kept, what is there, and how it is written."""

    where: str
    body: dict[str, Any] | None
    write: Callable[[Mapping[str, Any]], None]


@app.command("set")
def set_(
    name: Name,
    stack: Stack = "openfn",
    file: File = "",
    local: Local = False,
    yes: Yes = False,
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Set what a credential holds, asking for each key that its adaptor names.

    The secret is created, or gets a new value; a key that is left empty keeps what it had.
    """
    written = check(project)
    require_known("credential", name, written.credentials)
    adaptor = written.credentials[name].adaptor
    with _kept(name, stack, project, local=local) as kept:
        body = _from_file(file, adaptor) if file else asked(name, adaptor, kept.body or {})
        done = "created" if kept.body is None else "replaced"
        if body == kept.body:
            done = "unchanged"
        else:
            _may_replace(kept, yes=yes)
            kept.write(body)
    notes = list(unknown(model(adaptor), body))
    if as_json:
        told = {"credential": name, "kept": kept.where, "done": done, "keys": given(body)}
        output.as_json({**told, "notes": notes})
    else:
        _tell(f"{kept.where} {done}: {', '.join(given(body)) or 'no key'}", notes, local=local)


@app.command("list")
def list_(
    stack: Stack = "openfn", project: Project = Path("project"), as_json: Json = False
) -> None:
    """Show of each credential whether a stack has its secret, and which of its keys are set."""
    credentials = check(project).credentials
    with connection.connected(stack, project):
        changed = secrets_manager.changed()
        rows = [
            _row(name, each.adaptor, secrets_manager.read(name), changed.get(name))
            for name, each in credentials.items()
        ]
        others = [secrets_manager.full_name(each) for each in changed if each not in credentials]
    if as_json:
        output.as_json({"credentials": rows, "unnamed": others})
        return
    print_credentials(console, rows)
    for other in others:
        console.print(f"note: no credential names {other}", markup=False, soft_wrap=True)


@contextmanager
def _kept(name: str, stack: str, project: Path, *, local: bool) -> Iterator[_Kept]:
    if local:
        path = file_of(project, name)
        before = read_credential(path) if path.exists() else None
        yield _Kept(str(path), before, lambda body: write_credential(path, body))
        return
    with connection.connected(stack, project):
        before = secrets_manager.read(name)
        new = before is None
        yield _Kept(
            secrets_manager.full_name(name),
            before,
            lambda body: secrets_manager.write(name, body, new=new),
        )


def _from_file(file: str, adaptor: str) -> dict[str, Any]:
    if file == "-":
        found = parsed(sys.stdin.buffer.read(), "standard input")
    else:
        found = read_credential(Path(file))
    body = renamed(model(adaptor), found)
    if wrong := mistakes(model(adaptor), body):
        raise CommandError(f"this does not fit the adaptor {adaptor}: {wrong}")
    return body


def _may_replace(kept: _Kept, *, yes: bool) -> None:
    if kept.body is None:
        return
    if not yes and not sys.stdin.isatty():
        raise CommandError(f"{kept.where} is there already: --yes replaces it")
    has = ", ".join(given(kept.body)) or "nothing that can be read"
    sure(f"replace {kept.where}, which has {has}?", yes=yes)


def _tell(what: str, notes: list[str], *, local: bool) -> None:
    for line in (what, *([] if local else [_SOON]), *(f"note: {note}" for note in notes)):
        console.print(line, markup=False, soft_wrap=True)


def _row(
    name: str, adaptor: str, body: dict[str, Any] | None, changed: str | None
) -> dict[str, Any]:
    return {
        "credential": name,
        "adaptor": adaptor,
        "set": body is not None,
        "keys": given(body or {}),
        "changed": changed,
        "wrong": "" if body is None else mistakes(model(adaptor), body),
    }


def print_credentials(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Show which credentials are set, with the names of their keys."""
    table = Table("credential", "adaptor", "", "keys", "changed (UTC)", "to mend")
    for row in rows:
        stands = "set" if row["set"] else "missing"
        when = row["changed"] or ""
        cells = (row["credential"], row["adaptor"], stands, ", ".join(row["keys"]))
        table.add_row(*map(escape, (*cells, when, row["wrong"])))
        if not console.is_terminal:
            line = " ".join(filter(None, (*cells, when and f"since {when}")))
            wrong = row["wrong"] and f"; {row['wrong']}"
            console.print(f"{line}{wrong}", markup=False, soft_wrap=True)
    if console.is_terminal:
        console.print(table)
