"""The calls of DynamoDB on the stack's table: requests and responses as boto3's client has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openfn.storage.errors import CallRefused
from workbench.store.conditions import holds
from workbench.store.database import Database
from workbench.store.errors import (
    ConditionalCheckFailed,
    TransactionCanceled,
    invalid_request,
    unknown_resource,
)
from workbench.store.indexes import Index, entries
from workbench.store.request import Request
from workbench.store.updates import apply
from workbench.store.values import Item, Value, from_json, normalize, size, to_json

_MAX_ITEM_BYTES = 400 * 1024
_MAX_TRANSACTION, _MAX_TRANSACTION_BYTES = 100, 4 * 1024 * 1024
_MAX_BATCH_GET = 100
_KEY = ("pk", "sk")


@dataclass(frozen=True, slots=True)
class Table:
    """The table of a stack: its name, its indexes and its attribute for the time to live."""

    database: Database
    name: str
    indexes: Sequence[Index] = ()
    expires: str = "expires"

    def put_item(self, **request: Any) -> Item:
        """Write an item if its condition holds."""
        with self.database.write() as connection:
            old = _Write(self, connection, "Put", request).execute()
        return _returned(request, old, None)

    def update_item(self, **request: Any) -> Item:
        """Change attributes of an item if its condition holds; create a missing item."""
        with self.database.write() as connection:
            write = _Write(self, connection, "Update", request)
            old = write.execute()
        return _returned(request, old, write.new)

    def delete_item(self, **request: Any) -> Item:
        """Delete an item if its condition holds."""
        with self.database.write() as connection:
            old = _Write(self, connection, "Delete", request).execute()
        return _returned(request, old, None)

    def transact_write_items(self, **request: Any) -> Item:
        """Execute up to 100 writes, all or none."""
        entries = [next(iter(entry.items())) for entry in request["TransactItems"]]
        if not 0 < len(entries) <= _MAX_TRANSACTION:
            raise invalid_request("Member must have length less than or equal to 100")
        with self.database.write() as connection:
            writes = [_Write(self, connection, name, entry) for name, entry in entries]
            if len({write.key for write in writes}) < len(writes):
                raise invalid_request(
                    "Transaction request cannot include multiple operations on one item"
                )
            reasons = [write.check() for write in writes]
            if any(reason["Code"] != "None" for reason in reasons):
                raise TransactionCanceled(reasons)
            if sum(size(write.new or {}) for write in writes) > _MAX_TRANSACTION_BYTES:
                raise invalid_request("Collection of items exceeded the limit of 4 MB")
            for write in writes:
                write.store()
        return {}

    def get_item(self, **request: Any) -> Item:
        """Return one item."""
        self.check_name(request)
        with self.database.read() as connection:
            item = _load(connection, _key(request["Key"]))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, **request: Any) -> Item:
        """Return the items of up to 100 keys."""
        [(name, keys)] = request["RequestItems"].items()
        self.check_name({"TableName": name})
        wanted = [_key(key) for key in keys["Keys"]]
        if not 0 < len(wanted) <= _MAX_BATCH_GET:
            raise invalid_request("Too many items requested for the BatchGetItem call")
        if len(set(wanted)) < len(wanted):
            raise invalid_request("Provided list of item keys contains duplicates")
        with self.database.read() as connection:
            items = [_load(connection, key) for key in wanted]
        return {"Responses": {name: [item for item in items if item]}, "UnprocessedKeys": {}}

    def index(self, name: str) -> Index:
        """Return an index of the table; raise a `ValidationException` if there is no such."""
        for index in self.indexes:
            if index.name == name:
                return index
        raise invalid_request(f"The table does not have the specified index: {name}")

    def check_name(self, request: Mapping[str, Any]) -> None:
        """Refuse a request for another table."""
        if request["TableName"] not in (self.name, f"arn:aws:dynamodb:table/{self.name}"):
            raise unknown_resource("ResourceNotFoundException", f"Table {request['TableName']}")

    def delete_expired(self, now: float, limit: int = 1_000) -> int:
        """Delete items whose time to live is over, at most `limit`; return their number."""
        statement = "SELECT pk, sk FROM items WHERE expires < ? LIMIT ?"
        with self.database.write() as connection:
            keys = connection.execute(statement, (now, limit)).fetchall()
            for table in ("index_entries", "items"):
                delete = f"DELETE FROM {table} WHERE pk = ? AND sk = ?"  # noqa: S608 - no input
                connection.executemany(delete, keys)
        return len(keys)

    def replace(
        self,
        connection: sqlite3.Connection,
        key: tuple[str, str],
        old: Item | None,
        new: Item | None,
    ) -> None:
        """Store an item and its index entries; `None` is a missing item."""
        before, after = (entries(self.indexes, key, item or {}) for item in (old, new))
        if before and before != after:
            connection.execute("DELETE FROM index_entries WHERE pk = ? AND sk = ?", key)
        if new is None:
            connection.execute("DELETE FROM items WHERE pk = ? AND sk = ?", key)
            return
        expires = new.get(self.expires, {}).get("N")
        connection.execute(
            "INSERT OR REPLACE INTO items (pk, sk, item, bytes, expires) VALUES (?, ?, ?, ?, ?)",
            (*key, to_json(new), size(new), expires and float(expires)),
        )
        for entry in after if before != after else ():
            connection.execute("INSERT INTO index_entries VALUES (?, ?, ?, ?, ?, ?)", entry)


class _Write:
    """One write of a request or a transaction: checked first, then stored."""

    def __init__(
        self, table: Table, connection: sqlite3.Connection, name: str, request: Mapping[str, Any]
    ) -> None:
        table.check_name(request)
        self._table, self._connection, self._name, self._request = table, connection, name, request
        self.key = _key(request["Item"] if name == "Put" else request["Key"])
        expressions = Request(request)
        self._expressions = expressions
        self._condition = expressions.condition(request.get("ConditionExpression"))
        update = request.get("UpdateExpression", "")
        self._updates = expressions.updates(update) if update else ()
        expressions.check_all_used()
        for update_ in self._updates:
            if expressions.resolve(update_.path)[0] in _KEY:
                raise invalid_request("Cannot update attribute. This attribute is part of the key")
        self.old: Item | None = None
        self.new: Item | None = None

    def execute(self) -> Item | None:
        """Check and store a write of its own; return the old item."""
        self._prepare()
        self.store()
        return self.old

    def check(self) -> Item:
        """Return the reason to cancel the transaction, with the code `None` if there is none."""
        try:
            self._prepare()
        except ConditionalCheckFailed as error:
            return {"Code": "ConditionalCheckFailed", "Message": str(error), **error.response}
        except CallRefused as error:
            return {"Code": "ValidationError", "Message": str(error)}
        return {"Code": "None"}

    def store(self) -> None:
        """Store the new item."""
        if self._name != "ConditionCheck":
            self._table.replace(self._connection, self.key, self.old, self.new)

    def _prepare(self) -> None:
        self.old = _load(self._connection, self.key)
        if not holds(self._condition, self.old or {}, self._expressions):
            wants_item = self._request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionalCheckFailed(self.old if wants_item else None)
        if self._name == "Put":
            self.new = normalize(self._request["Item"])
        elif self._name == "Update":
            current = self.old or dict(zip(_KEY, ({"S": part} for part in self.key), strict=True))
            self.new = normalize(apply(self._updates, current, self._expressions))
        if self.new is not None:
            _check_item(self.new, self._table.indexes)


def _load(connection: sqlite3.Connection, key: tuple[str, str]) -> Item | None:
    row = connection.execute("SELECT item FROM items WHERE pk = ? AND sk = ?", key).fetchone()
    return from_json(row[0]) if row else None


def _key(item: Mapping[str, Value]) -> tuple[str, str]:
    return _key_part(item, "pk", 2048), _key_part(item, "sk", 1024)


def _key_part(item: Mapping[str, Value], name: str, limit: int) -> str:
    part: str | None = item.get(name, {}).get("S")
    if part is None:
        raise invalid_request(f"The provided key element does not match the schema: {name}")
    if not 0 < len(part.encode()) <= limit:
        raise invalid_request(f"The key {name} must have 1 to {limit} bytes.")
    return part


def _check_item(item: Item, indexes: Sequence[Index]) -> None:
    if size(item) > _MAX_ITEM_BYTES:
        raise invalid_request("Item size has exceeded the maximum allowed size")
    for name in {part for index in indexes for part in (index.hash, index.range)} & item.keys():
        if not item[name].get("S"):
            raise invalid_request(f"The key {name} of an index must be a text that is not empty.")


def _returned(request: Mapping[str, Any], old: Item | None, new: Item | None) -> Item:
    choice = {"ALL_OLD": old, "ALL_NEW": new}.get(request.get("ReturnValues", "NONE"))
    return {"Attributes": choice} if choice else {}
