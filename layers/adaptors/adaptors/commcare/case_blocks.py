"""Check the case blocks of a form that a job submits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors.absent import absent_keys
from adaptors.errors import ConfigurationError

_ACTIONS = {"create", "update", "close", "index"}


def require_case_ids(part: Any, path: str = "form") -> None:
    """Raise ConfigurationError for a case block of a form that names no case.

    >>> require_case_ids({"case": {"@case_id": "b7c1f6f0", "update": {"age": "7"}}})
    """
    if isinstance(part, list):
        for item in part:
            require_case_ids(item, path)
    if not isinstance(part, Mapping):
        return
    for key, value in part.items():
        for block in value if isinstance(value, list) else [value]:
            if key == "case" and isinstance(block, Mapping):
                _require_case_id(block, path)
        require_case_ids(value, f"{path}.{key}")


def _require_case_id(block: Mapping[str, Any], path: str) -> None:
    attributes = block.get("@")
    nested = attributes.get("case_id") if isinstance(attributes, Mapping) else None
    if block.get("@case_id") or nested:
        return
    absent = absent_keys(block).get("@case_id") or absent_keys(attributes).get("case_id")
    if absent or block.keys() & _ACTIONS:
        reason = f", because there is none at {absent}" if absent else ""
        raise ConfigurationError(
            f"The case in {path} has no @case_id{reason}. It identifies the case: derive it from "
            "the source's own id."
        )
