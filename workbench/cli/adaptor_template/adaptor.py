"""Skeleton: what it is, in one sentence.

Where its API is documented, and what surprised you about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors.sdk import (
    DEFAULT_TIMEOUT,
    Client,
    CredentialModel,
    Field,
    RemoteRefused,
    Request,
    Secret,
    State,
    header_auth,
    json_body,
    log_response,
    next_state,
    operation,
    read_credential,
    send,
)


class Configuration(CredentialModel):
    """The credential of Skeleton."""

    base_url: str = Field(alias="baseUrl", description="The URL of the API: https://…")
    token: Secret = Field(description="The API token of a user.")


@operation
def get(
    state: State,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch a path; `data` becomes the response.

    >>> operate = get("patients", query={"village": "Kisumu"})
    """
    return _send(state, Request("GET", path, query, timeout=timeout))


@operation
def create(state: State, path: str, record: Any, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Create a record; `data` becomes the response.

    >>> from adaptors.sdk import dry_run
    >>> state = {"configuration": {"baseUrl": "https://example.org/api", "token": "secret"}}
    >>> with dry_run() as requests:
    ...     after = create("patients", {"name": "Amina"})(state)
    >>> requests[0].method, requests[0].url, requests[0].json
    ('POST', 'https://example.org/api/patients', {'name': 'Amina'})
    """
    example = {"id": "dry-run"}
    request = Request("POST", path, json=record, timeout=timeout, dry_run_response=example)
    return _send(state, request)


def _send(state: State, request: Request) -> State:
    credential = read_credential(Configuration, state)
    token = credential.token.get_secret_value()
    client = Client(credential.base_url, header_auth("Authorization", f"Token {token}"))
    response = send(client, request)
    body = json_body(response)
    # Some APIs respond 200 to a request that they refuse.
    if isinstance(body, dict) and body.get("error"):
        log_response(response)
        raise RemoteRefused(f"{response.summary}, but refused the request. See the run's log.")
    return next_state(state, body, response.as_dict())
