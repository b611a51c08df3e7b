"""The tracker's own operations: import with any strategy, and export of all pages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.dhis2.client import Query, fetch, plain
from adaptors.dhis2.tracker_import import CHUNK, bring
from adaptors.dhis2.tracker_payloads import UIDS
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State, next_state, operation

PAGE = 200
"""Objects on a page, if the job does not say."""


@operation
def tracker_import(
    state: State,
    payload: Any,
    strategy: str = "CREATE_AND_UPDATE",
    *,
    atomic_mode: str = "ALL",
    chunk: int = CHUNK,
    query: Query | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Import tracked entities, enrollments, events and relationships; `data` becomes the report.

    `payload` is a dict of `trackedEntities`, `enrollments`, `events` and `relationships`, each a
    list. The strategy is `CREATE_AND_UPDATE` (what has its own `uid` may be sent any number of
    times), `CREATE`, `UPDATE` (fields that are left out are emptied, members of lists are not) or
    `DELETE`. At most `chunk` objects are sent at once, and what belongs together stays together;
    with the atomic mode `ALL` a chunk is taken whole or not at all, with `OBJECT` what is well of
    it is taken. `RemoteRefused` names each conflict, also where DHIS2 answers 200.

    >>> from adaptors.common import data_value
    >>> from adaptors.dhis2 import attr, uid
    >>> child = {
    ...     "trackedEntity": uid(data_value("_uuid"), "child"),
    ...     "trackedEntityType": "nEenWmSyUEp",
    ...     "orgUnit": data_value("group1/facility"),
    ...     "attributes": [attr("w75KJ2mc4zz", data_value("group1/name"))],
    ... }
    >>> operate = tracker_import({"trackedEntities": [child]})
    """
    report = bring(
        state,
        payload,
        strategy,
        atomic_mode=atomic_mode,
        chunk=chunk,
        query=query,
        timeout=timeout,
    )
    return next_state(state, report)


@operation
def tracker_export(
    state: State,
    path: str,
    query: Query | None = None,
    *,
    page_size: int = PAGE,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch all pages of a resource of the tracker; `data` becomes a dict of its list.

    The list stands under the resource's name whatever the version of DHIS2: `{"events": […]}`.
    Name an order in the query (`"order": "createdAt:asc"`) where others write meanwhile: by
    default the newest is first, and what is new moves the rest to the page after. A path that goes
    on with a uid fetches that object alone, as it is.

    >>> operate = tracker_export("events", {"program": "eBAyeGv0exc", "orgUnit": "DiszpKrYNg8"})
    """
    resource, _, rest = str(path).strip("/").partition("/")
    if resource not in UIDS:
        raise ConfigurationError(f"the tracker exports {', '.join(UIDS)} or one such by its uid")
    if rest:
        return next_state(
            state,
            fetch(state, f"tracker/{resource}/{rest}", query, timeout=timeout, dry_run_response={}),
        )
    found = [each for page in _pages(state, resource, query, page_size, timeout) for each in page]
    return next_state(state, {resource: found})


def _pages(
    state: State, resource: str, query: Query | None, size: int, timeout: float
) -> Iterator[list[Any]]:
    given = plain(query)
    if given.keys() & {"page", "pageSize", "paging", "skipPaging"}:
        raise ConfigurationError(
            "tracker_export fetches all pages, of page_size=… objects each; get(…) fetches one"
        )
    last: list[Any] = []
    for page in count(1):
        asked = {**(query or {}), "page": page, "pageSize": size}
        body = fetch(
            state, f"tracker/{resource}", asked, timeout=timeout, dry_run_response={resource: []}
        )
        found = listed(body, resource)
        if found and found == last and UIDS[resource] in found[0]:
            raise RemoteRefused(f"DHIS2 gives page {page - 1} of {resource} again as page {page}")
        yield found
        if len(found) < _size(body, size):
            return
        last = found


def listed(body: Any, resource: str) -> list[Any]:
    """Give the list of an answer, which 2.40 and older call `instances` in the tracker."""
    for key in (resource, "instances"):
        if isinstance(body, dict) and isinstance(body.get(key), list):
            found: list[Any] = body[key]
            return found
    raise RemoteRefused(f"the answer of DHIS2 has no list of {resource}")


def _size(body: dict[str, Any], asked: int) -> int:
    # 2.40 and older say beside the list, newer ones in `pager`, how long a page is for them.
    pager = body.get("pager") or body
    size = pager.get("pageSize", asked)
    return min(asked, size) if isinstance(size, int) and size > 0 else asked
