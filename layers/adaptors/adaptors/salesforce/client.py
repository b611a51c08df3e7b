"""Records on their way to Salesforce: one by itself, or up to 200 in a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from adaptors._formats import json_text
from adaptors.errors import AdaptorError, ConfigurationError
from adaptors.operations import State
from adaptors.salesforce.records import Record
from adaptors.salesforce.results import Action, Row, halfway, outcome, read_rows, settled
from adaptors.salesforce.sessions import ask

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

PRETENDED: Row = {"id": "000000000000000AAA", "success": True, "errors": []}
"""What became of a record, in a dry run."""
_AT_ONCE = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Way:
    """How records go: below which address, in how many seconds, and whether one needs all others.

    `told` stands for an address that holds a value.
    """

    method: str
    path: str
    timeout: float
    all_or_none: bool = False
    told: str | None = None


def one(
    state: State, way: Way, record: Record, action: Action, silently: Row | None = None
) -> dict[str, Any]:
    """Send a record by itself; `silently` is what became of it if the answer has no body."""
    send = partial(_restful, way, json_text.dumps(record), PRETENDED, None)
    answer = ask(state, send, way.timeout)
    row = silently if answer is None and silently is not None else answer
    result = settled(read_rows([row], 1, action), action)
    created = {"created": row["created"]} if "created" in row else {}
    return {"id": row.get("id"), **created, **result}


def many(state: State, way: Way, records: Sequence[Record], action: Action) -> dict[str, Any]:
    """Send records in requests of 200."""
    _fit(records, all_or_none=way.all_or_none)

    def send(some: Sequence[Record]) -> list[Row]:
        typed = [{"attributes": {"type": action.sobject}, **record} for record in some]
        body = json_text.dumps({"allOrNone": way.all_or_none, "records": typed})
        restful = partial(_restful, way, body, [PRETENDED] * len(some), None)
        return read_rows(ask(state, restful, way.timeout), len(some), action)

    return settled(_in_turn(records, send, action), action)


def remove(
    state: State, way: Way, ids: Sequence[str], action: Action, *, fail_on_error: bool
) -> dict[str, Any]:
    """Delete records in requests of 200; those that are deleted already count as done."""
    _fit(ids, all_or_none=way.all_or_none)

    def send(some: Sequence[str]) -> list[Row]:
        query = {"ids": ",".join(some), "allOrNone": str(way.all_or_none).lower()}
        restful = partial(_restful, way, None, [PRETENDED] * len(some), query)
        rows = read_rows(ask(state, restful, way.timeout), len(some), action)
        if way.all_or_none:  # then one that was gone is why the others stayed
            return rows
        return [_gone(row, id_) for row, id_ in zip(rows, some, strict=True)]

    rows = _in_turn(ids, send, action)
    return settled(rows, action) if fail_on_error else outcome(rows)


def in_chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts.

    >>> list(in_chunks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    return (items[start : start + size] for start in range(0, len(items), size))


def _in_turn(
    items: Sequence[T], send: Callable[[Sequence[T]], list[Row]], action: Action
) -> list[Row]:
    rows: list[Row] = []
    for some in in_chunks(items, _AT_ONCE):
        try:
            rows += send(some)
        except AdaptorError as error:
            raise halfway(error, rows, action) from None
    return rows


def _restful(
    way: Way,
    body: str | None,
    dry_run_response: Any,
    query: dict[str, str] | None,
    client: Salesforce,
) -> Any:
    options = {"told": way.told, "dry_run_response": dry_run_response}
    return client.restful(way.path, query, way.method, data=body, **options)


def _fit(items: Sequence[object], *, all_or_none: bool) -> None:
    if all_or_none and len(items) > _AT_ONCE:
        raise ConfigurationError(
            f"Salesforce takes at most {_AT_ONCE} records all or none, not {len(items)}; send "
            "them in parts, or leave all_or_none out"
        )


def _gone(row: Row, id_: str) -> Row:
    codes = {error.get("statusCode") for error in row.get("errors") or []}
    return {"id": id_, "success": True} if codes == {"ENTITY_IS_DELETED"} else row
