"""Skeleton: what it is, in one sentence.

Where to read of its API, and whatever of it has surprised you.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from adaptors._formats import json_text
from adaptors._http.client import SECONDS, Access, Call, header, send
from adaptors._http.response import Answer, accepted, show
from adaptors.credentials import Fields, Secret, read
from adaptors.errors import RemoteRefused
from adaptors.operations import State, next_state, operation


class Configuration(Fields):
    """The credential of Skeleton."""

    base_url: str = Field(alias="baseUrl", description="The address of the API: https://…")
    token: Secret = Field(description="The token that the API knows a user by.")


@operation
def get(
    state: State, path: str, *, query: Mapping[str, Any] | None = None, timeout: float = SECONDS
) -> State:
    """Fetch what is at a path; `data` becomes the answer.

    >>> operate = get("patients", query={"village": "Kisumu"})
    """
    return _sent(state, Call("GET", path, query, timeout=timeout))


@operation
def create(state: State, kind: str, record: Any, *, timeout: float = SECONDS) -> State:
    """Create a record of a kind; `data` becomes what the destination says of it.

    >>> from adaptors._runtime.dry_run import dry_run
    >>> state = {"configuration": {"baseUrl": "https://example.org/api", "token": "secret"}}
    >>> with dry_run() as seen:
    ...     after = create("patients", {"name": "Amina"})(state)
    >>> seen[0].method, seen[0].url, seen[0].json
    ('POST', 'https://example.org/api/patients', {'name': 'Amina'})
    """
    body = json_text.write(record).encode()
    return _sent(state, Call("POST", kind, body=body, timeout=timeout, pretended={"id": "dry-run"}))


def _sent(state: State, call: Call) -> State:
    configuration = read(Configuration, state)
    token = configuration.token.get_secret_value()
    access = Access(configuration.base_url, header("Authorization", f"Token {token}"))
    return next_state(state, _judged(accepted(send(access, call))))


def _judged(answer: Answer) -> Any:
    # A proxy answers 200 with a page while the API is down, and an API may refuse with a 200.
    data = answer.data
    if isinstance(data, str):
        show(answer)
        raise RemoteRefused(f"{answer.told} with something that is not JSON")
    if isinstance(data, dict) and data.get("error"):
        show(answer)
        raise RemoteRefused(f"{answer.told} and refuses it; the run's log has what it says")
    return data
