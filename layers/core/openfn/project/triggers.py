"""Triggers of jobs: a matching message, the clock, or the end of another job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openfn.messages.bodies import value_at
from openfn.project.digests import digest

QUERY_PARAMS = "__query_params"


class Kind(StrEnum):
    """What starts a run."""

    MESSAGE = "message"
    CRON = "cron"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class MessageTrigger:
    """A message filter. `inbox` is `None` for any inbox.

    A message that contains one of the inclusions matches, unless it contains one of the exclusions.
    `order_by` is a path of keys and list indexes. Runs on messages with the same value at this path
    execute one after the other.
    """

    name: str
    inbox: str | None
    inclusions: tuple[Any, ...]
    exclusions: tuple[Any, ...] = ()
    order_by: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """A five-field cron expression; a missed run may start `catch_up` minutes late."""

    name: str
    cron: str
    catch_up: int
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FlowTrigger:
    """Another job's success or failure."""

    name: str
    job: str
    on: Kind


Trigger = MessageTrigger | CronTrigger | FlowTrigger


def with_query_params(body: Any, query_params: dict[str, Any]) -> Any:
    """Return the body as triggers see it, with the URL's query as `__query_params`."""
    if isinstance(body, dict) and (query_params or QUERY_PARAMS not in body):
        return {**body, QUERY_PARAMS: query_params}
    return body


def order_key(trigger: MessageTrigger, body: Any) -> str | None:
    """Return the digest of the body's value at `order_by`, or `None` if it has none.

    Raises `UnreadableBody` if the value has too many numbers with large exponents.
    """
    value = value_at(body, trigger.order_by) if trigger.order_by else None
    if value is None or value == "":
        return None
    return digest(value)[:32]
