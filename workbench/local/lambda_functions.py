"""Invoke the handlers of the stack's functions in this process."""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openfn.jobs import output_capture
from openfn.runs import circuit_breaker
from openfn.storage import secrets
from workbench.environment import environ
from workbench.store.resources import Function

Event = dict[str, Any]
OnLogLine = Callable[[str, str], None]
"""Receives a function's name and a line that it logged."""
current_function: ContextVar[str] = ContextVar("current_function", default="")
"""The name of the function being invoked; the tests of IAM read it."""


@dataclass(frozen=True, slots=True)
class Context:
    """The part of Lambda's context object that handlers may use."""

    function: Function
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.monotonic)

    @property
    def function_name(self) -> str:
        """The function's physical name."""
        return self.function.arn.split(":")[-1]

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return self.function.arn

    @property
    def memory_limit_in_mb(self) -> int:
        """The function's memory."""
        return self.function.memory

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function times out."""
        return max(
            0, round((self.started + self.function.timeout_seconds - time.monotonic()) * 1000)
        )


@contextmanager
def set_environment(functions: Mapping[str, Function], opt: Path) -> Iterator[None]:
    """Set the functions' environment variables from the template, with `opt` as `/opt`.

    The functions share one process, so the template must set the same variables for all of them.
    """
    first, *others = functions.values()
    if any(other.environment != first.environment for other in others):
        raise ValueError("The functions in template.yaml must have the same environment variables.")
    secrets.clear_cache()
    circuit_breaker.clear_cache()
    values = {name: value.replace("/opt", str(opt), 1) for name, value in first.environment.items()}
    with environ(values):
        yield


def invoke(function: Function, event: Event, on_log_line: OnLogLine) -> Any:
    """Call a function's handler and pass each line that it logs to `on_log_line`."""
    pieces: list[str] = []
    token = current_function.set(function.name)
    try:
        with output_capture.capture(pieces.append):
            module = importlib.import_module(
                f"functions.{function.name}.{function.handler.split('.')[0]}"
            )
            handler = getattr(module, function.handler.split(".")[1])
            return handler(event, Context(function))
    finally:
        current_function.reset(token)
        for line in "".join(pieces).splitlines():
            on_log_line(function.name, line)
