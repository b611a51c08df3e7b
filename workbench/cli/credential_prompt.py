"""A credential, asked for key by key: on standard error, and its secrets without echo."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path
from typing import Any

import typer

from workbench.credentials.fields import Key, at, inserted, keys, mistakes, model, understood
from workbench.errors import CommandError

_TERMINAL = (
    "standard input is no terminal: give the credential as a file (--file FILE.json), "
    "or as JSON on standard input (--file -)"
)
_HOW = (
    "Enter skips what is optional. @FILE takes what is in a file, such as a key of several lines "
    "(@@… for a value that begins with @)."
)


def asked(name: str, adaptor: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for the keys of an adaptor's credential until they fit; Enter keeps what was there."""
    if not sys.stdin.isatty():
        raise CommandError(_TERMINAL)
    of, body = model(adaptor), dict(before)
    _say(f"The credential {name}, for the adaptor {adaptor}. {_HOW}\n")
    while True:
        for key in keys(of):
            _say(f"{key.name}: {key.description}")
            body = body if key.holds else _answered(key, body)
        wrong = mistakes(of, body)
        if not wrong:
            return body
        _say(f"\n{wrong} Once more; Enter keeps what you gave.\n")


def _answered(key: Key, body: dict[str, Any]) -> dict[str, Any]:
    had = at(body, key.path) is not None
    while True:
        text = _line(f"  {_hint(key, had=had)} > ", secret=key.secret)
        if not text and (had or not key.required):
            return body
        if text == "-" and had and not key.required:
            return inserted(body, key.path, None)
        try:
            return inserted(body, key.path, understood(key, _content(text)))
        except ValueError as error:
            _say(f"  {error}")


def _hint(key: Key, *, had: bool) -> str:
    if had:
        hint = "set; Enter keeps it" + ("" if key.required else ", - removes it")
    elif key.required:
        hint = "needed"
    else:
        shown = None if key.secret else key.default
        hint = "optional" if shown is None else f"Enter: {shown}"
    return hint + (", not shown" if key.secret else "")


def _content(text: str) -> str:
    if not text:
        raise ValueError("it is needed")
    if text.startswith("-----BEGIN"):
        raise ValueError("a key has several lines: save it in a file and write @FILE")
    if text.startswith("@@") or not text.startswith("@"):
        return text.removeprefix("@") if text.startswith("@@") else text
    try:
        return Path(text[1:]).expanduser().read_text("utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        # The name is not told: a password that begins with @ may have been meant.
        why = getattr(error, "strerror", None) or "it is no text"
        raise ValueError(f"that file cannot be read: {why}") from None


def _line(prompt: str, *, secret: bool) -> str:
    try:
        if secret:
            return getpass(prompt, stream=sys.stderr)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
    except EOFError:
        line = ""
    if not line:
        raise typer.Abort
    return line.strip()


def _say(text: str) -> None:
    typer.echo(text, err=True)
