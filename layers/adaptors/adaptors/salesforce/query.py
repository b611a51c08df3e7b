"""Operations that read, and one for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from adaptors._formats import json_text
from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State, operation
from adaptors.salesforce.records import checked_id, name
from adaptors.salesforce.sessions import ask
from adaptors.salesforce.states import after

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

_NOTHING = {"totalSize": 0, "done": True, "records": []}


@operation
def query(
    state: State,
    soql: str,
    values: Mapping[str, Any] | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch records with SOQL; `data` becomes `{totalSize, done, records}` with all pages.

    A `{name}` in the query stands for one of `values`, which is written as SOQL writes it: text in
    quotes and with its own quotes escaped, a list for `IN`, `None` as null. A value that is put
    into the query by other means can change what the query asks. After `LIKE` write
    `'{name:like}%'`.

    >>> from adaptors.common import data_value
    >>> operate = query("SELECT Id FROM Contact WHERE MRN__c = {mrn}", {"mrn": data_value("mrn")})
    """
    written = soql if values is None else _written(soql, values)
    page = ask(state, lambda client: client.query(written, dry_run_response=_NOTHING), timeout)
    records, pages = _records(page), set()
    while not page["done"]:
        following = page.get("nextRecordsUrl")
        if not isinstance(following, str) or following in pages:
            raise RemoteRefused("Salesforce says there are more records, and not where")
        pages.add(following)
        page = ask(state, partial(_more, following), timeout)
        records += _records(page)
    return after(state, {"totalSize": len(records), "done": True, "records": records})


@operation
def retrieve(state: State, sobject: str, id_: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Fetch the record of an id; `data` becomes the record.

    >>> from adaptors.common import data_value
    >>> operate = retrieve("Contact", data_value("contact_id"))
    """
    path = f"sobjects/{name(sobject, 'an sobject')}/{checked_id(id_, 'an id')}"
    return after(state, ask(state, lambda client: client.restful(path), timeout))


@operation
def describe(
    state: State, sobject: str | None = None, *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Fetch what an object consists of, or without one which objects there are.

    >>> operate = describe("Contact")
    """
    path = f"sobjects/{name(sobject, 'an sobject')}/describe" if sobject else "sobjects"
    return after(state, ask(state, lambda client: client.restful(path), timeout))


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
    """Send any other request; `data` becomes the answer, JSON or text.

    A path that begins with `/services/` is the organization's, any other one of the REST API, and
    stands below `/services/data/v….0/`.

    >>> operate = request("limits")
    >>> operate = request("/services/apexrest/visits", {"site": "A"}, method="POST")
    """
    if not isinstance(path, str) or "://" in path:
        raise ConfigurationError("a path is text such as limits or /services/apexrest/visits")
    body = None if json is None else json_text.dumps(json)
    send = partial(_sent, path, method=method, params=query, data=body, raw=True)
    return after(state, ask(state, send, timeout))


def _written(soql: str, values: Mapping[str, Any]) -> str:
    from simple_salesforce.format import SoqlFormatter  # noqa: PLC0415 - loaded when first needed

    empty = [key for key, value in values.items() if value in ([], ())]
    if empty:
        raise ConfigurationError(
            f"the values {', '.join(empty)} are empty lists, which SOQL cannot write; do not ask "
            "when there is nothing to ask for"
        )
    try:
        return SoqlFormatter().vformat(soql, (), values)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError):
        raise ConfigurationError(
            "the query cannot be written: each {name} in it needs one of the values, which are "
            "text, numbers, dates, true, false, None, or lists of them"
        ) from None


def _records(page: Any) -> list[Any]:
    if isinstance(page, Mapping) and isinstance(page.get("records"), list) and "done" in page:
        return list(page["records"])
    raise RemoteRefused("Salesforce answered a query with something that is no page of records")


def _more(following: str, client: Salesforce) -> Any:
    return client.query_more(following, identifier_is_url=True)


def _sent(path: str, client: Salesforce, **options: Any) -> Any:
    from simple_salesforce.util import call_salesforce  # noqa: PLC0415 - loaded when first needed

    host = f"https://{client.sf_instance}"
    url = host + path if path.startswith("/services/") else client.base_url + path.lstrip("/")
    response = call_salesforce(url, session=client.session, headers=dict(client.headers), **options)
    try:
        return response.json() if response.content else None
    except ValueError:
        return response.text
