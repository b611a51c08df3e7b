"""Skeleton: what it is, in one sentence.

Where to read of its API, and whatever of it has surprised you.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from adaptors._formats import json_text
from adaptors._http.client import DEFAULT_TIMEOUT, Client, Request, header_auth, send
from adaptors._http.response import Response, log_response, raise_for_status
from adaptors.credentials import CredentialModel, Secret, read_credential
from adaptors.errors import RemoteRefused
from adaptors.operations import State, next_state, operation


class Configuration(CredentialModel):
    """The credential of Skeleton."""

    base_url: str = Field(alias="baseUrl", description="The address of the API: https://…")
    token: Secret = Field(description="The token that the API knows a user by.")


@operation
def get(
    state: State,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch what is at a path; `data` becomes the answer.

    >>> operate = get("patients", query={"village": "Kisumu"})
    """
    return _sent(state, Request("GET", path, query, timeout=timeout))


@operation
def create(state: State, kind: str, record: Any, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Create a record of a kind; `data` becomes what the destination says of it.

    >>> from adaptors._runtime.dry_run import dry_run
    >>> state = {"configuration": {"baseUrl": "https://example.org/api", "token": "secret"}}
    >>> with dry_run() as seen:
    ...     after = create("patients", {"name": "Amina"})(state)
    >>> seen[0].method, seen[0].url, seen[0].json
    ('POST', 'https://example.org/api/patients', {'name': 'Amina'})
    """
    body = json_text.dumps(record).encode()
    return _sent(
        state, Request("POST", kind, body=body, timeout=timeout, dry_run_response={"id": "dry-run"})
    )


def _sent(state: State, call: Request) -> State:
    configuration = read_credential(Configuration, state)
    token = configuration.token.get_secret_value()
    access = Client(configuration.base_url, header_auth("Authorization", f"Token {token}"))
    return next_state(state, _judged(raise_for_status(send(access, call))))


def _judged(answer: Response) -> Any:
    # A proxy answers 200 with a page while the API is down, and an API may refuse with a 200.
    data = answer.body
    if isinstance(data, str):
        log_response(answer)
        raise RemoteRefused(f"{answer.summary} with something that is not JSON")
    if isinstance(data, dict) and data.get("error"):
        log_response(answer)
        raise RemoteRefused(f"{answer.summary} and refuses it; the run's log has what it says")
    return data
