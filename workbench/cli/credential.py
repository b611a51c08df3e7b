"""`ofn credential …`: the secrets of a project's credentials."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, Yes, confirm, console
from workbench.credentials import secrets_manager
from workbench.credentials.fields import (
    describe_problems,
    keys_with_values,
    model_of,
    problems_of_refresh,
    refused_keys,
    unknown_keys,
    unmaskable_secrets,
    with_public_names,
    without_old_token,
)
from workbench.credentials.files import (
    file_of,
    parse_credential,
    read_credential,
    write_credential,
)
from workbench.credentials.lint import source_of_jobs
from workbench.credentials.prompt import prompt
from workbench.credentials.unprotected import addresses_without_scheme, unprotected_connections
from workbench.errors import CommandError
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.stack import connection

app = typer.Typer(help="Set and list the secrets of credentials.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The credential's name in project.yaml.")]
File = Annotated[
    str, typer.Option(help="A JSON file with the complete credential; - is standard input.")
]
Local = Annotated[
    bool,
    typer.Option(
        "--local", help="Write PROJECT/credentials/NAME.json, for `ofn try` and `ofn serve`."
    ),
]
_DELAY = "Runners that are already running use it within five minutes."


@dataclass(frozen=True, slots=True)
class _Store:
    """Where a credential is stored, its current body, and how to write it."""

    name: str
    body: dict[str, Any] | None
    write: Callable[[Mapping[str, Any]], None]
    tag: Callable[[], None]
    """Lets the runner replace the secret if project.yaml has `refresh: true`."""


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
    """Set a credential, asking for each key of its adaptor.

    Press Enter to keep the current value of a key.
    """
    spec = check(project)
    require_known("credential", name, spec.credentials)
    adaptor = spec.credentials[name].adaptor
    source = source_of_jobs(project, spec, name)
    refresh = spec.credentials[name].refresh
    with _open_store(name, stack, project, local=local, refresh=refresh) as store:
        current = store.body or {}
        body = _read_file(file, name, adaptor, source) if file else prompt(name, adaptor, current)
        body = without_old_token(body, current)
        done = "created" if store.body is None else "replaced"
        if body == store.body:
            done = "unchanged"
            store.tag()
        else:
            _confirm_replace(store, yes=yes)
            store.write(body)
    warnings = [text for _, text in unknown_keys(model_of(adaptor), body)]
    warnings += problems_of_refresh(name, body, refresh=refresh)
    warnings += [*addresses_without_scheme(body), *unprotected_connections(body)]
    keys = keys_with_values(body)
    if as_json:
        result = {"credential": name, "kept": store.name, "done": done, "keys": keys}
        output.as_json({**result, "notes": warnings})
    else:
        _print_result(f"{store.name} {done}: {', '.join(keys) or 'no key'}", warnings, local=local)


@app.command("list")
def list_(
    stack: Stack = "openfn", project: Project = Path("project"), as_json: Json = False
) -> None:
    """List the credentials, whether a stack has their secrets, and which keys are set."""
    credentials = check(project).credentials
    with connection.connected(stack, project):
        changed = secrets_manager.change_times()
        rows = [
            _row(name, credential.adaptor, secrets_manager.read(name), changed.get(name))
            for name, credential in credentials.items()
        ]
        unused = [secrets_manager.full_name(name) for name in changed if name not in credentials]
    if as_json:
        output.as_json({"credentials": rows, "unnamed": unused})
        return
    print_credentials(console, rows)
    for secret in unused:
        console.print(
            f"warning: The project has no credential for the secret {secret}.",
            markup=False,
            soft_wrap=True,
        )


def print_credentials(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print which credentials are set, with the names of their keys."""
    lines = []
    for row in rows:
        status = "set" if row["set"] else "missing"
        changed = row["changed"] or ""
        cells = (row["credential"], row["adaptor"], status, ", ".join(row["keys"]))
        lines.append((*cells, changed, row["wrong"]))
        if not console.is_terminal:
            line = " ".join(filter(None, (*cells, changed and f"since {changed}")))
            problems = row["wrong"] and f"; {row['wrong']}"
            console.print(f"{line}{problems}", markup=False, soft_wrap=True)
    if console.is_terminal:
        headers = ("credential", "adaptor", "", "keys", "changed (UTC)", "problems")
        output.table(console, headers, lines)


@contextmanager
def _open_store(
    name: str, stack: str, project: Path, *, local: bool, refresh: bool
) -> Iterator[_Store]:
    if local:
        path = file_of(project, name)
        current = read_credential(path) if path.exists() else None
        yield _Store(str(path), current, lambda body: write_credential(path, body), lambda: None)
        return
    with connection.connected(stack, project):
        current = secrets_manager.read(name)
        new = current is None
        yield _Store(
            secrets_manager.full_name(name),
            current,
            lambda body: secrets_manager.write(name, body, new=new, refresh=refresh),
            lambda: secrets_manager.tag(name, refresh=refresh),
        )


def _read_file(file: str, name: str, adaptor: str, source: str) -> dict[str, Any]:
    if file == "-":
        content = parse_credential(sys.stdin.buffer.read(), "Standard input")
    else:
        content = read_credential(Path(file))
    body = with_public_names(model_of(adaptor), content)
    if problems := describe_problems(model_of(adaptor), body):
        raise CommandError(
            f"The adaptor {adaptor} cannot use this as the credential {name}: {problems}"
        )
    model = model_of(adaptor)
    if problems := " ".join((*refused_keys(model, body, source), *unmaskable_secrets(model, body))):
        raise CommandError(problems)
    return body


def _confirm_replace(store: _Store, *, yes: bool) -> None:
    if store.body is None:
        return
    if not yes and not sys.stdin.isatty():
        raise CommandError(f"{store.name} already exists. Add --yes to replace it.")
    keys = ", ".join(keys_with_values(store.body)) or "no readable key"
    confirm(f"replace {store.name}, which has {keys}?", yes=yes)


def _print_result(result: str, warnings: list[str], *, local: bool) -> None:
    lines = (result, *([] if local else [_DELAY]), *(f"warning: {text}" for text in warnings))
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _row(
    name: str, adaptor: str, body: dict[str, Any] | None, changed: str | None
) -> dict[str, Any]:
    return {
        "credential": name,
        "adaptor": adaptor,
        "set": body is not None,
        "keys": keys_with_values(body or {}),
        "changed": changed,
        "wrong": "" if body is None else describe_problems(model_of(adaptor), body),
    }
