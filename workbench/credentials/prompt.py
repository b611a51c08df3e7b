"""Ask for each key of a credential on standard error, without echoing secrets."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path
from typing import Any

import typer

from openfn.control_characters import escape_controls
from workbench.credentials.fields import (
    CredentialKey,
    describe_problems,
    keys_of,
    model_of,
    parse_value,
    unmaskable_secrets,
    value_at,
    with_value,
)
from workbench.errors import CommandError

_NO_TERMINAL = (
    "Standard input is not a terminal. Pass the credential as a file with --file FILE.json, "
    "or as JSON on standard input with --file -."
)
_HELP = (
    "Press Enter to skip an optional key. Write @FILE to use the content of a file, such as a PEM "
    "key. Write @@ for the @ of a value that begins with @."
)


def prompt(name: str, adaptor: str, current: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for the keys of a credential until all values are valid."""
    if not sys.stdin.isatty():
        raise CommandError(_NO_TERMINAL)
    model, body = model_of(adaptor), dict(current)
    _print(f"Credential {name} for the adaptor {adaptor}. {_HELP}\n")
    while True:
        for key in keys_of(model):
            if not _is_needed(key, body):
                continue
            _print(f"{key.name}: {key.description}")
            body = body if key.nested else _ask(key, body)
        problems = describe_problems(model, body) or " ".join(unmaskable_secrets(model, body))
        if not problems:
            return body
        _print(f"\n{problems} Try again. Press Enter to keep a value.\n")


def _is_needed(key: CredentialKey, body: Mapping[str, Any]) -> bool:
    """Return whether to ask for a key: some belong to certain values of `grant_type`."""
    extra = key.field.json_schema_extra
    grants = extra.get("grants") if isinstance(extra, dict) else None
    grant = value_at(body, (*key.path[:-1], "grant_type"))
    is_set = bool(grants) and value_at(body, key.path) is not None
    return not isinstance(grants, list) or grant in grants or is_set


def _ask(key: CredentialKey, body: dict[str, Any]) -> dict[str, Any]:
    is_set = value_at(body, key.path) is not None
    while True:
        text = _read_line(f"  {_hint(key, is_set=is_set)} > ", secret=key.secret)
        if not text and (is_set or not key.required):
            return body
        if text == "-" and is_set and not key.required:
            return with_value(body, key.path, None)
        try:
            return with_value(body, key.path, parse_value(key, _expand_file(text)))
        except ValueError as error:
            _print(f"  {error}")


def _hint(key: CredentialKey, *, is_set: bool) -> str:
    if is_set:
        hint = "set; Enter keeps it" + ("" if key.required else ", - removes it")
    elif key.required:
        hint = "required"
    else:
        default = None if key.secret else key.default
        hint = "optional" if default is None else f"Enter: {default}"
    return hint + (", not shown" if key.secret else "")


def _expand_file(text: str) -> str:
    if not text:
        raise ValueError("This key is required.")
    if text.startswith("-----BEGIN"):
        raise ValueError("A PEM key has several lines. Save it in a file and write @FILE.")
    if text.startswith("@@") or not text.startswith("@"):
        return text.removeprefix("@") if text.startswith("@@") else text
    try:
        return Path(text[1:]).expanduser().read_text("utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        # The message does not quote the name: it may be a password that begins with @.
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"That file cannot be read: {reason}.") from None


def _read_line(text: str, *, secret: bool) -> str:
    try:
        if secret:
            return getpass(text, stream=sys.stderr)
        sys.stderr.write(text)
        sys.stderr.flush()
        line = sys.stdin.readline()
    except EOFError:
        line = ""
    if not line:
        raise typer.Abort
    return line.strip()


def _print(text: str) -> None:
    typer.echo(escape_controls(text), err=True)
