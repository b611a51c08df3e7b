"""Operations that read, and one for all other requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adaptors._http.pagination import fetch_pages
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State, operation
from adaptors.salesforce.client import call_any_api, call_rest_api
from adaptors.salesforce.records import require_api_name, require_id
from adaptors.salesforce.results import state_after

Page = Mapping[str, Any]
_EMPTY_PAGE = {"totalSize": 0, "done": True, "records": []}


@operation
def query(
    state: State,
    soql: str,
    values: Mapping[str, Any] | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch records with SOQL; `data` becomes `{totalSize, done, records}` of all pages.

    `{name}` in the query is replaced by that of `values`, in SOQL's syntax: text in quotes and
    escaped, a list for `IN`, `None` as null. Never put a value into the query by other means: it
    could change the query. After `LIKE`, write `'{name:like}%'`.

    >>> from adaptors.common import data_value
    >>> operate = query("SELECT Id FROM Contact WHERE MRN__c = {mrn}", {"mrn": data_value("mrn")})
    """
    text = soql if values is None else _format_soql(soql, values)
    first_request = Request(
        "GET", "query/", {"q": text}, timeout=timeout, dry_run_response=_EMPTY_PAGE
    )
    pages = fetch_pages(partial(_fetch_page, state), first_request, _next_request, max_pages=None)
    records = [record for page in pages for record in page["records"]]
    return state_after(state, {"totalSize": len(records), "done": True, "records": records})


@operation
def retrieve(state: State, sobject: str, id_: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch a record by its id; `data` becomes the record.

    >>> from adaptors.common import data_value
    >>> operate = retrieve("Contact", data_value("contact_id"))
    """
    path = f"sobjects/{require_api_name(sobject, 'sobject')}/{require_id(id_, 'id_')}"
    return state_after(state, call_rest_api(state, Request("GET", path, timeout=timeout)))


@operation
def describe(
    state: State, sobject: str | None = None, *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Fetch the description of an object, or the list of all objects.

    >>> operate = describe("Contact")
    """
    path = f"sobjects/{require_api_name(sobject, 'sobject')}/describe" if sobject else "sobjects"
    return state_after(state, call_rest_api(state, Request("GET", path, timeout=timeout)))


@operation
def request(
    state: State,
    path: str,
    json: Any = None,
    *,
    method: str = "GET",
    query: Mapping[str, Any] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Send any other request; `data` becomes the response's JSON or text.

    A path that begins with `/services/` is relative to the organization's URL; any other path is
    relative to the REST API, `/services/data/v….0/`.

    >>> operate = request("limits")
    >>> operate = request("/services/apexrest/visits", {"site": "A"}, method="POST")
    """
    if not isinstance(path, str) or "://" in path:
        raise ConfigurationError(
            "path must be a text such as limits or /services/apexrest/visits, without https://."
        )
    any_request = Request(method, path, query, json=json, timeout=timeout)
    return state_after(state, call_any_api(state, any_request))


def _format_soql(soql: str, values: Mapping[str, Any]) -> str:
    from simple_salesforce.format import SoqlFormatter  # noqa: PLC0415 - loaded when first needed

    empty = [name for name, value in values.items() if value in ([], ())]
    if empty:
        raise ConfigurationError(
            f"The query has empty lists, which SOQL cannot express: {', '.join(empty)}. Skip the "
            "query if the list is empty."
        )
    try:
        return SoqlFormatter().vformat(soql, (), values)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError):
        raise ConfigurationError(
            "The query cannot be formatted. Every {name} in it needs a value of that name: text, "
            "a number, a date, true, false, None, or a list of these."
        ) from None


def _fetch_page(state: State, request: Request) -> Page:
    page = call_rest_api(state, request)
    if isinstance(page, Mapping) and isinstance(page.get("records"), list) and "done" in page:
        return page
    raise RemoteRefused(
        "Salesforce's response to the query is not a page of records. Check `instance_url` or "
        "`loginUrl` in the credential."
    )


def _next_request(request: Request, page: Page) -> Request | None:
    if page["done"]:
        return None
    path = page.get("nextRecordsUrl")
    if not isinstance(path, str):
        raise RemoteRefused("Salesforce has more records, but its response has no next page.")
    return replace(request, path=path, query=None)
