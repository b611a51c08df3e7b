"""DynamoDB's Query and Scan: items in the order of their keys, in pages of at most 1 MB."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from workbench.store.conditions import holds, read
from workbench.store.errors import invalid_request
from workbench.store.expressions import Attribute, Call, Node, Path, Placeholder
from workbench.store.indexes import Index, tie_of
from workbench.store.request import Request
from workbench.store.tables import Table
from workbench.store.values import Item, from_json

_PAGE_BYTES = 1024 * 1024
_TABLE = "SELECT item, bytes FROM items WHERE {where} ORDER BY pk {order}, sk {order}"
_INDEX = (
    "SELECT item, bytes FROM index_entries AS entry JOIN items USING (pk, sk) WHERE {where} "
    "ORDER BY range {order}, tie {order}, entry.pk {order}, entry.sk {order}"
)
_RANGES = {"=", "<", "<=", ">", ">="}


@dataclass(slots=True)
class _Selection:
    """The WHERE clause of a query and its parameters."""

    terms: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def add(self, term: str, *parameters: Any) -> None:
        self.terms.append(term)
        self.parameters += parameters


def query(table: Table, **request: Any) -> Item:
    """Return the next page of the items with one partition key, in the order of the sort key."""
    table.check_name(request)
    expressions = Request(request)
    index = table.index(request["IndexName"]) if request.get("IndexName") else None
    if index and request.get("ConsistentRead"):
        raise invalid_request("Consistent reads are not supported on global secondary indexes")
    selection = _selection(index, request, expressions)
    is_forward = request.get("ScanIndexForward", True)
    if start := request.get("ExclusiveStartKey"):
        _start_after(selection, index, start, ">" if is_forward else "<")
    statement = (_INDEX if index else _TABLE).format(
        where=" AND ".join(selection.terms), order="ASC" if is_forward else "DESC"
    )
    with (
        table.database.read() as connection,
        # The next read through this connection must not see what this one saw.
        closing(connection.execute(statement, selection.parameters)) as rows,
    ):
        return _page(rows, index, request, expressions)


def scan(table: Table, **request: Any) -> Item:
    """Return the next page of all items."""
    table.check_name(request)
    selection = _Selection(["1 = 1"])
    if start := request.get("ExclusiveStartKey"):
        _start_after(selection, None, start, ">")
    statement = _TABLE.format(where=" AND ".join(selection.terms), order="ASC")
    with (
        table.database.read() as connection,
        closing(connection.execute(statement, selection.parameters)) as rows,
    ):
        return _page(rows, None, request, Request(request))


def _selection(index: Index | None, request: Mapping[str, Any], expressions: Request) -> _Selection:
    names = (index.hash, index.range) if index else ("pk", "sk")
    columns = dict(zip(names, ("hash", "range") if index else ("pk", "sk"), strict=True))
    node = expressions.condition(request["KeyConditionExpression"])
    terms = node.operands if isinstance(node, Call) and node.name == "AND" else (node,)
    selection = _Selection()
    if index:
        selection.add("entry.name = ?", index.name)
    compared = [_add_term(selection, term, columns, expressions) for term in terms]
    if names[0] not in compared or len(set(compared)) < len(compared):
        raise invalid_request(f"Query condition missed key schema element: {names[0]}")
    return selection


def _add_term(
    selection: _Selection, term: Node | None, columns: Mapping[str, str], expressions: Request
) -> str:
    """Add one comparison of a key condition and return its attribute."""
    if not isinstance(term, Call) or not isinstance(term.operands[0], Attribute):
        raise invalid_request("Invalid KeyConditionExpression")
    name = str(expressions.resolve(term.operands[0].path)[0])
    values = [
        expressions.value(part.name)["S"]
        for part in term.operands[1:]
        if isinstance(part, Placeholder)
    ]
    column = columns.get(name)
    is_hash = column in ("pk", "hash")
    if column is None or (is_hash and term.name != "="):
        raise invalid_request(f"Query key condition not supported: {name}")
    if term.name in _RANGES:
        selection.add(f"{column} {term.name} ?", *values)
    elif term.name == "BETWEEN":
        selection.add(f"{column} BETWEEN ? AND ?", *values)
    elif term.name == "begins_with":
        selection.add(f"substr({column}, 1, ?) = ? AND {column} >= ?", len(values[0]), *values * 2)
    else:
        raise invalid_request(f"Invalid operator used in KeyConditionExpression: {term.name}")
    return name


def _start_after(
    selection: _Selection, index: Index | None, start: Mapping[str, Any], beyond: str
) -> None:
    pk, sk = start["pk"]["S"], start["sk"]["S"]
    if index is None:
        selection.add(f"(pk, sk) {beyond} (?, ?)", pk, sk)
    else:
        position = (start[index.range]["S"], tie_of((pk, sk)), pk, sk)
        selection.add(f"(range, tie, entry.pk, entry.sk) {beyond} (?, ?, ?, ?)", *position)


def _page(
    rows: sqlite3.Cursor, index: Index | None, request: Mapping[str, Any], expressions: Request
) -> Item:
    condition = expressions.condition(request.get("FilterExpression"))
    paths = expressions.projection(request.get("ProjectionExpression") or "pk")
    expressions.check_all_used()
    limit, scanned, total_bytes, matching = request.get("Limit"), 0, 0, list[Item]()
    last: Item | None = None
    for text, item_bytes in rows:
        item = from_json(text)
        scanned, total_bytes = scanned + 1, total_bytes + item_bytes
        visible = _visible(item, index)
        if holds(condition, visible, expressions):
            matching.append(visible)
        if scanned == limit or total_bytes >= _PAGE_BYTES:
            last = _start_key(item, index)
            break
    page: Item = {"Count": len(matching), "ScannedCount": scanned}
    if request.get("Select") != "COUNT":
        page["Items"] = matching
        if request.get("ProjectionExpression"):
            page["Items"] = [_project(item, paths) for item in matching]
    return {**page, "LastEvaluatedKey": last} if last else page


def _visible(item: Item, index: Index | None) -> Item:
    if index is None or index.projected is None:
        return item
    names = {"pk", "sk", index.hash, index.range} | index.projected
    return {name: value for name, value in item.items() if name in names}


def _start_key(item: Item, index: Index | None) -> Item:
    names = ("pk", "sk", index.hash, index.range) if index else ("pk", "sk")
    return {name: item[name] for name in names}


def _project(item: Item, paths: Iterable[Path]) -> Item:
    """Return the attributes that a projection selects; nested ones need their whole attribute."""
    if any(len(path) > 1 for path in paths):
        raise invalid_request("This store projects whole attributes only.")
    values = {str(path[0]): read(item, path) for path in paths}
    return {name: value for name, value in values.items() if value is not None}
