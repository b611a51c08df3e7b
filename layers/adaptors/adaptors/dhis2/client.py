"""Send one request to the Web API, and check its response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._http.client import send
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors.credentials import read_credential
from adaptors.dhis2.credential import Configuration, api_path, client
from adaptors.dhis2.responses import COUNTING_RESOURCES, check_import, parse_body
from adaptors.dhis2.values import drop_without_value
from adaptors.errors import ConfigurationError
from adaptors.operations import State

Query = Mapping[str, Any]
# Without this header an old DHIS2 redirects to its login page.
_HEADERS = {"X-Requested-With": "XMLHttpRequest"}
_EMPTY_SUMMARY = {"status": "OK", "importCount": {"imported": 0, "updated": 0, "ignored": 0}}


def fetch(
    state: State,
    path: str,
    query: Query | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    dry_run_response: Any = None,
) -> Any:
    """Send a GET request and return the JSON of its response, or other text.

    Raises the error of the status, and an AdaptorError for a web page.
    """
    configuration = read_credential(Configuration, state)
    request = Request(
        "GET",
        api_path(configuration, path),
        format_query(query),
        _HEADERS,
        timeout=timeout,
        dry_run_response=dry_run_response,
    )
    return parse_body(send(client(configuration), request))


def write(
    state: State,
    method: str,
    path: str,
    body: Any = None,
    query: Query | None = None,
    *,
    content_type: str = "application/json",
    timeout: float = DEFAULT_TIMEOUT,
    dry_run_response: Any = None,
) -> Any:
    """Send a write request, and return its response once DHIS2 has imported everything.

    Raises RemoteRefused with the name of each conflict otherwise, whatever the status.
    """
    configuration, body = read_credential(Configuration, state), drop_without_value(body)
    if dry_run_response is None and path.split("/", maxsplit=1)[0] in COUNTING_RESOURCES:
        dry_run_response = _EMPTY_SUMMARY
    request = Request(
        method,
        api_path(configuration, path),
        _require_synchronous(format_query(query)),
        _HEADERS,
        content_type=content_type,
        timeout=timeout,
        dry_run_response=dry_run_response,
        json=body,
    )
    return check_import(send(client(configuration), request), body, path)


def format_query(query: Query | None) -> dict[str, Any]:
    """Return a query with its truth values as DHIS2 reads them.

    >>> format_query({"skipRuleEngine": True, "page": 2})
    {'skipRuleEngine': 'true', 'page': 2}
    """
    if query is not None and not isinstance(query, Mapping):
        raise ConfigurationError(f"A query is a dict, not {type(query).__name__}.")
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in (query or {}).items()
    }


def _require_synchronous(query: dict[str, Any]) -> dict[str, Any]:
    if str(query.get("async", "false")).lower() != "false":
        raise ConfigurationError(
            "Remove async from the query. With it DHIS2 only queues the import, and the job cannot "
            "see whether it succeeded."
        )
    return query
