"""All that an adaptor needs to import: `from adaptors.sdk import operation, send, …`.

An adaptor is a module with a `Configuration(CredentialModel)` and functions with `@operation`:

    @operation
    def create(state: State, path: str, record: Any) -> State:
        credential = read_credential(Configuration, state)
        client = Client(credential.base_url, bearer_auth(credential.token.get_secret_value()))
        response = send(client, Request("POST", path, json=record))
        return next_state(state, json_body(response), response.as_dict())

`ofn new-adaptor NAME` writes a complete one with its tests; docs/adaptors.md explains the rest.
"""

from __future__ import annotations

from pydantic import Field

from adaptors._http.auth import basic_auth, bearer_auth, header_auth, query_auth
from adaptors._http.client import Client, send, send_json
from adaptors._http.pagination import MAX_PAGES, PageFormat, Records, fetch_all
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import (
    Response,
    json_body,
    log_response,
    raise_for_status,
    unexpected_content,
)
from adaptors._runtime.dry_run import Reply, dry_run
from adaptors._runtime.run_context import current_run, run_context
from adaptors._runtime.stable_ids import stable_uuid
from adaptors.credentials import CredentialModel, Secret, read_credential
from adaptors.errors import (
    AdaptorError,
    ConfigurationError,
    RemoteRefused,
    RemoteUnavailable,
    Verdict,
)
from adaptors.operations import Operation, State, Value, next_state, operation, resolve

__all__ = [
    "DEFAULT_TIMEOUT",
    "MAX_PAGES",
    "AdaptorError",
    "Client",
    "ConfigurationError",
    "CredentialModel",
    "Field",
    "Operation",
    "PageFormat",
    "Records",
    "RemoteRefused",
    "RemoteUnavailable",
    "Reply",
    "Request",
    "Response",
    "Secret",
    "State",
    "Value",
    "Verdict",
    "basic_auth",
    "bearer_auth",
    "current_run",
    "dry_run",
    "fetch_all",
    "header_auth",
    "json_body",
    "log_response",
    "next_state",
    "operation",
    "query_auth",
    "raise_for_status",
    "read_credential",
    "resolve",
    "run_context",
    "send",
    "send_json",
    "stable_uuid",
    "unexpected_content",
]
