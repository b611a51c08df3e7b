"""When a job runs: a message filter's inbox, inclusion and exclusions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openfn.fragments import contains

QUERY_PARAMS = "__query_params"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A message filter; `inbox` is `None` for any inbox, any of the exclusions excludes."""

    name: str
    inbox: str | None
    inclusion: Any
    exclusions: tuple[Any, ...] = ()


def matchable(body: Any, query_params: dict[str, Any]) -> Any:
    """Give the body as triggers see it: with the inbox URL's query string as `__query_params`."""
    if isinstance(body, dict) and (query_params or QUERY_PARAMS not in body):
        return {**body, QUERY_PARAMS: query_params}
    return body


def matches(trigger: Trigger, inbox: str, body: Any) -> bool:
    """Say whether a matchable body that came to an inbox matches the trigger."""
    return (
        trigger.inbox in (None, inbox)
        and contains(body, trigger.inclusion)
        and not any(contains(body, exclusion) for exclusion in trigger.exclusions)
    )
