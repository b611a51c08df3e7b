"""The post that a command reads: a file, or a message that a stack has stored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from openfn import ids
from openfn.history import details, id_lookup
from openfn.messages import bodies
from openfn.messages.store import Message, parse_query
from openfn.project.triggers import with_query_params
from workbench.errors import CommandError
from workbench.stack import connection
from workbench.testing.saved_posts import headers_of

_ID = re.compile("…?[0-9a-f-]{4,36}")


def read_post(name: str, query: str, content_type: str, stack: str, project: Path) -> Message:
    """Return the post in a file, or else the message of a stack with this id or its end.

    The inbox of a file's post is empty: it may be any.
    """
    path = Path(name)
    if path.is_file():
        params = parse_query(query.removeprefix("?"))
        headers = headers_of(path, content_type)
        return Message(ids.new_message_id(), "", path.read_bytes(), "POST", headers, params)
    if path.is_dir():
        raise typer.BadParameter(f"'{name}' is a directory.")
    if not _ID.fullmatch(name):
        raise typer.BadParameter(f"The file '{name}' does not exist, and this is no id.")
    return read_message(name, stack, project)


def read_message(name: str, stack: str, project: Path) -> Message:
    """Return the message of a stack with this id, or whose id ends so."""
    with connection.connected(stack, project):
        identifier = id_lookup.complete(name)
        stored = details.message(identifier)
        if stored is None:
            raise details.not_found("message", identifier)
    if stored.problem:
        raise CommandError(f"The message {identifier} cannot be read: {stored.problem}")
    return stored.message


def body_of(post: Message) -> Any:
    """Return the body as triggers match it."""
    parsed = bodies.parse_exact(post.body, post.headers)
    return with_query_params(parsed, dict(post.query_params))
