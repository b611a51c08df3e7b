"""Triggers of jobs: a matching message, the clock, or the end of another job."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from openfn.messages.bodies import value_at

# A larger number of few digits (1e9999) would be written with all its zeros.
_MAX_INTEGER = Decimal(10) ** 30
QUERY_PARAMS = "__query_params"


class Kind(StrEnum):
    """What starts a run."""

    MESSAGE = "message"
    CRON = "cron"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class MessageTrigger:
    """A message filter. `inbox` is `None` for any inbox, and each exclusion excludes by itself.

    `order_by` is a path of keys and list indexes. Runs on messages with the same value at this path
    execute one after the other.
    """

    name: str
    inbox: str | None
    inclusion: Any
    exclusions: tuple[Any, ...] = ()
    order_by: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """A five-field cron expression (UTC); a missed run may start `catch_up` minutes late."""

    name: str
    cron: str
    catch_up: int


@dataclass(frozen=True, slots=True)
class FlowTrigger:
    """Another job's success or failure."""

    name: str
    job: str
    on: Kind


def with_query_params(body: Any, query_params: dict[str, Any]) -> Any:
    """Return the body as triggers see it, with the URL's query as `__query_params`."""
    if isinstance(body, dict) and (query_params or QUERY_PARAMS not in body):
        return {**body, QUERY_PARAMS: query_params}
    return body


def order_key(trigger: MessageTrigger, body: Any) -> str | None:
    """Return the digest of the body's value at `order_by`, or `None` if it has none."""
    value = value_at(body, trigger.order_by) if trigger.order_by else None
    if value is None or value == "":
        return None
    text = json.dumps(_canonical(value), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _canonical(value: Any) -> Any:
    # As in matching, 1 equals 1.0, and neither equals "1".
    if isinstance(value, dict):
        return {key: _canonical(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_canonical(part) for part in value]
    if isinstance(value, Decimal):
        is_integer = value == value.to_integral_value()
        if is_integer and abs(value) < _MAX_INTEGER:
            return int(value)
        return {"number": str(value.normalize())}
    return value
