"""What became of each record of many: Salesforce answers 200 even if it took none of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adaptors.errors import AdaptorError, RemoteRefused, RemoteUnavailable
from adaptors.salesforce.error_codes import FOR_NOW, code_of, errors_of, named_error

Row = Mapping[str, Any]
_OF_OTHERS = {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"}
_NAMED = 100


@dataclass(frozen=True, slots=True)
class Action:
    """What is done to records, in the words of an error, and whether twice is as good as once."""

    sobject: str
    done: str
    repeatable: bool = True


def read_rows(answer: Any, count: int, action: Action) -> list[Row]:
    """Read an answer's rows; an answer that has not one for each record cannot be relied on."""
    rows = answer if isinstance(answer, list) else []
    if len(rows) == count and all(isinstance(row, Mapping) for row in rows):
        return rows
    raise RemoteRefused(
        f"Salesforce's answer does not tell what became of each of {count} records of "
        f"{action.sobject}; look which of them were {action.done}"
    )


def outcome(rows: Sequence[Row]) -> dict[str, Any]:
    """Sum rows up as OpenFn does; an error tells its record's `index`, which counts from 0.

    >>> outcome([{"id": "003x", "success": True, "errors": []}])
    {'success': True, 'completed': ['003x'], 'errors': []}
    """
    errors = [
        {
            "index": index,
            "id": row.get("id"),
            "statusCode": code_of(error),
            "fields": error.get("fields") or [],
            "message": error.get("message", ""),
        }
        for index, row in enumerate(rows)
        if not _taken(row)
        for error in errors_of(row.get("errors")) or [{}]
    ]
    completed = [row.get("id") for row in rows if _taken(row)]
    return {"success": not errors, "completed": completed, "errors": errors}


def settled(rows: Sequence[Row], action: Action) -> dict[str, Any]:
    """Give the outcome where all records were taken, else raise what says which were not.

    Another try is worth it if nothing but time is lacking, and if it does nothing twice.
    """
    result = outcome(rows)
    if result["success"]:
        return result
    _log(result, action)
    codes = {error["statusCode"] for error in result["errors"]} - _OF_OTHERS
    passes = bool(codes) and codes <= FOR_NOW
    raise _raised(_named(result, action), result, action, passes=passes)


def halfway(error: AdaptorError, rows: Sequence[Row], action: Action) -> AdaptorError:
    """Give the error that ended a sending of many records, with what became of those before it."""
    if not rows:
        return error
    result = outcome(rows)
    _log(result, action)
    told = f"{error}; before that {_named(result, action)}"
    passes = isinstance(error, RemoteUnavailable)
    found = _raised(told, result, action, passes=passes)
    if isinstance(found, RemoteUnavailable) and isinstance(error, RemoteUnavailable):
        found.retry_after = error.retry_after
    return found


def _raised(told: str, result: Mapping[str, Any], action: Action, *, passes: bool) -> AdaptorError:
    if passes and (action.repeatable or not result["completed"]):
        return RemoteUnavailable(told)
    if passes:
        told += (
            "; these would be there twice after another try, so that there is none: send the "
            "others by themselves, and use upsert, or all_or_none, from now on"
        )
    return RemoteRefused(told)


def _taken(row: Row) -> bool:
    return row.get("success") is True


def _named(result: Mapping[str, Any], action: Action) -> str:
    places: dict[str, list[int]] = {}
    for error in result["errors"]:
        places.setdefault(named_error(error), []).append(error["index"])
    parts = [f"{name} at index {_listed(found)}" for name, found in places.items()]
    failed = len({error["index"] for error in result["errors"]})
    told = f"{action.sobject}: {len(result['completed'])} {action.done}"
    return f"{told}, {failed} not: {'; '.join(parts)}" if failed else told


def _listed(places: Sequence[int]) -> str:
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"{', '.join(map(str, places[:_NAMED]))}{more}"


def _log(result: Mapping[str, Any], action: Action) -> None:
    for error in result["errors"]:
        print(f"record {error['index']}: {named_error(error)}: {error['message']}")
    if not action.repeatable:
        print(f"{action.done}: {json.dumps(result['completed'])}")
