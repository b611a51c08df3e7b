"""The calls of S3 on the stack's bucket."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import Any

from workbench.store.database import Database
from workbench.store.errors import unknown_resource

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket of a stack."""

    database: Database
    name: str

    def put_object(self, **request: Any) -> dict[str, Any]:
        """Store an object, in place of an older one with its key."""
        self._check(request)
        with self.database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)",
                (request["Key"], bytes(request.get("Body", b"")), time.time()),
            )
        return {}

    def get_object(self, **request: Any) -> dict[str, Any]:
        """Return an object; raise `NoSuchKey` if there is none."""
        self._check(request)
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT content FROM objects WHERE key = ?", (request["Key"],)
            ).fetchone()
        if row is None:
            raise unknown_resource("NoSuchKey", f"Object {request['Key']}")
        return {"Body": io.BytesIO(row[0]), "ContentLength": len(row[0])}

    def delete_object(self, **request: Any) -> dict[str, Any]:
        """Delete an object, if it exists."""
        self._check(request)
        with self.database.write() as connection:
            connection.execute("DELETE FROM objects WHERE key = ?", (request["Key"],))
        return {}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        """Return up to 1,000 keys with a prefix, in order, after `ContinuationToken` if given."""
        self._check(request)
        prefix, after = request.get("Prefix", ""), request.get("ContinuationToken", "")
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT key, length(content) FROM objects WHERE key >= ? AND key > ? "
                "AND substr(key, 1, ?) = ? ORDER BY key LIMIT ?",
                (prefix, after, len(prefix), prefix, _PAGE + 1),
            ).fetchall()
        page = {"Contents": [{"Key": key, "Size": size} for key, size in rows[:_PAGE]]}
        if len(rows) <= _PAGE:
            return {**page, "IsTruncated": False}
        return {**page, "IsTruncated": True, "NextContinuationToken": rows[_PAGE - 1][0]}

    def delete_expired(self, prefixes: tuple[str, ...], before: float) -> None:
        """Delete the objects of some prefixes that were stored before an epoch time."""
        with self.database.write() as connection:
            for prefix in prefixes:
                connection.execute(
                    "DELETE FROM objects WHERE substr(key, 1, ?) = ? AND modified_at < ?",
                    (len(prefix), prefix, before),
                )

    def _check(self, request: dict[str, Any]) -> None:
        if request["Bucket"] != self.name:
            raise unknown_resource("NoSuchBucket", f"Bucket {request['Bucket']}")
