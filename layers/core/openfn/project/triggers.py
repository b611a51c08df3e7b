"""When a job runs: a message that matches, the clock, or how another job ended."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from openfn.messages.bodies import value_at

# Beyond this a number of few digits (1e9999) would be written out.
_WHOLE = Decimal(10) ** 30
QUERY_PARAMS = "__query_params"


class Kind(StrEnum):
    """What starts a run."""

    MESSAGE = "message"
    CRON = "cron"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class MessageTrigger:
    """A message filter; `inbox` is `None` for any inbox, any of the exclusions excludes.

    `order_by` is a path as steps, keys and places in lists: runs on messages that share the value
    there execute one after the other.
    """

    name: str
    inbox: str | None
    inclusion: Any
    exclusions: tuple[Any, ...] = ()
    order_by: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """The minutes (UTC) of a five-field expression; one missed may come `catch_up` minutes late."""

    name: str
    cron: str
    catch_up: int


@dataclass(frozen=True, slots=True)
class FlowTrigger:
    """Another job's success or failure."""

    name: str
    job: str
    on: Kind


def matchable(body: Any, query_params: dict[str, Any]) -> Any:
    """Give the body as triggers see it: with the inbox URL's query string as `__query_params`."""
    if isinstance(body, dict) and (query_params or QUERY_PARAMS not in body):
        return {**body, QUERY_PARAMS: query_params}
    return body


def order_of(trigger: MessageTrigger, body: Any) -> str | None:
    """Give the digest of a body's value at the trigger's `order_by`; `None` where there is none."""
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
        whole = value == value.to_integral_value()
        return int(value) if whole and abs(value) < _WHOLE else {"number": str(value.normalize())}
    return value
