"""The stack's functions, run in this process by their own handlers."""

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
from workbench.local.resources import Function

Event = dict[str, Any]
Tell = Callable[[str, str], None]
"""Is told the name of a function and a line it logged."""
executing: ContextVar[str] = ContextVar("executing", default="")
"""The name of the function at work, as IAM knows on whose behalf a call is made."""


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object, as far as handlers may use it."""

    function: Function
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: float = field(default_factory=time.monotonic)

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
        """Give the milliseconds until Lambda would stop the function."""
        return max(0, round((self.began + self.function.seconds - time.monotonic()) * 1000))


@contextmanager
def environment(functions: Mapping[str, Function], opt: Path) -> Iterator[None]:
    """Set the environment the template gives the functions, with `/opt` laid out in a folder.

    The functions share one process here, so the template must give them all the same.
    """
    first, *others = functions.values()
    if any(other.environment != first.environment for other in others):
        raise ValueError("template.yaml gives the functions different environments")
    secrets.clear_cache()
    circuit_breaker.clear_cache()
    values = {name: value.replace("/opt", str(opt), 1) for name, value in first.environment.items()}
    with environ(values):
        yield


def invoke(function: Function, event: Event, tell: Tell) -> Any:
    """Run a function's handler on an event and pass on each line it logs; raises what it raises."""
    pieces: list[str] = []
    token = executing.set(function.name)
    try:
        with output_capture.capture(pieces.append):
            module = importlib.import_module(
                f"functions.{function.name}.{function.handler.split('.')[0]}"
            )
            handler = getattr(module, function.handler.split(".")[1])
            return handler(event, Context(function))
    finally:
        executing.reset(token)
        for line in "".join(pieces).splitlines():
            tell(function.name, line)
