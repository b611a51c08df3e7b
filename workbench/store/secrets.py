"""The calls of Secrets Manager on the secrets of a local stack."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from workbench.store.database import Database
from workbench.store.errors import unknown_resource


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a stack, by name; the file's permissions protect them."""

    database: Database
    on_change: list[Callable[[str, str], object]] = field(default_factory=list)
    """Receive name and text of a secret after it was replaced."""

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        """Return the text of a secret."""
        name = request["SecretId"]
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT content FROM secrets WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            raise unknown_resource("ResourceNotFoundException", f"Secret {name}")
        return {"Name": name, "SecretString": row[0]}

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        """Replace the text of an existing secret."""
        self.get_secret_value(SecretId=request["SecretId"])
        result = self._store(request["SecretId"], request["SecretString"])
        for on_change in self.on_change:
            on_change(request["SecretId"], request["SecretString"])
        return result

    def update_secret(self, **request: Any) -> dict[str, Any]:
        """Replace the text of an existing secret."""
        return self.put_secret_value(**request)

    def delete_secret(self, **request: Any) -> dict[str, Any]:
        """Delete a secret at once: this store has no recovery window."""
        self.get_secret_value(SecretId=request["SecretId"])
        with self.database.write() as connection:
            connection.execute("DELETE FROM secrets WHERE name = ?", (request["SecretId"],))
        return {"Name": request["SecretId"]}

    def create_secret(self, **request: Any) -> dict[str, Any]:
        """Store a secret, in place of an older one."""
        return self._store(request["Name"], request["SecretString"])

    def describe_secret(self, **request: Any) -> dict[str, Any]:
        """Return the name of a secret. No secret has tags: nothing here asks for permission."""
        return {"Name": self.get_secret_value(**request)["Name"], "Tags": []}

    def tag_resource(self, **request: Any) -> dict[str, Any]:
        """Accept tags, which have no effect here."""
        return {"Name": request["SecretId"]}

    untag_resource = tag_resource

    def list_secrets(self, **request: Any) -> dict[str, Any]:
        """Return the names of all secrets that begin with a filter's value, in one page."""
        prefixes = [value for part in request.get("Filters", []) for value in part["Values"]]
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT name, changed_at FROM secrets ORDER BY name"
            ).fetchall()
        return {
            "SecretList": [
                {"Name": name, "LastChangedDate": datetime.fromtimestamp(changed_at, UTC)}
                for name, changed_at in rows
                if name.startswith(tuple(prefixes) or "")
            ]
        }

    def _store(self, name: str, text: str) -> dict[str, Any]:
        with self.database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?)", (name, text, time.time())
            )
        return {"Name": name}
