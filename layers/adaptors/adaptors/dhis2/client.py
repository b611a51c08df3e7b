"""One request to the Web API: sent, and its answer read for what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._formats import json_text
from adaptors._http.client import send
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors.credentials import read_credential
from adaptors.dhis2.credential import Configuration, address, client
from adaptors.dhis2.responses import IMPORTING, imported, received
from adaptors.errors import ConfigurationError
from adaptors.operations import State

Query = Mapping[str, Any]
# An old DHIS2 answers a request that does not name it with a redirect to its login page.
_HEADERS = {"X-Requested-With": "XMLHttpRequest"}
_NOTHING_TAKEN = {"status": "OK", "importCount": {"imported": 0, "updated": 0, "ignored": 0}}


def fetch(
    state: State,
    path: str,
    query: Query | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    dry_run_response: Any = None,
) -> Any:
    """Give what DHIS2 answers to a GET: its JSON, or the text of what is neither JSON nor a page.

    Raises an `AdaptorError` with its verdict for any other answer.
    """
    configuration = read_credential(Configuration, state)
    request = Request(
        "GET",
        address(configuration, path),
        plain(query),
        _HEADERS,
        timeout=timeout,
        dry_run_response=dry_run_response,
    )
    return received(send(client(configuration), request))


def store(
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
    """Send what DHIS2 is to store or delete, and give its answer once all of it has been taken.

    Raises `RemoteRefused` that names each conflict when it has not, whatever the status says.
    """
    configuration = read_credential(Configuration, state)
    if dry_run_response is None and path.split("/", maxsplit=1)[0] in IMPORTING:
        dry_run_response = _NOTHING_TAKEN
    request = Request(
        method,
        address(configuration, path),
        _at_once(plain(query)),
        _HEADERS,
        None if body is None else json_text.dumps(body).encode(),
        content_type,
        timeout,
        dry_run_response,
    )
    return imported(send(client(configuration), request), body, path)


def plain(query: Query | None) -> dict[str, Any]:
    """Give a query with its values as DHIS2 reads them.

    >>> plain({"skipRuleEngine": True, "page": 2})
    {'skipRuleEngine': 'true', 'page': 2}
    """
    if query is not None and not isinstance(query, Mapping):
        raise ConfigurationError(f"a query is a dict, not {type(query).__name__}")
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in (query or {}).items()
    }


def _at_once(query: dict[str, Any]) -> dict[str, Any]:
    if str(query.get("async", "false")).lower() != "false":
        raise ConfigurationError(
            "leave async out of the query: DHIS2 then only says that it has queued the import, "
            "and nobody learns whether it stored anything"
        )
    return query
