"""The AWS region that `ofn` uses: `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's.

boto3 does not read `AWS_REGION`. The AWS CLI does, and prefers it to the other two.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from workbench.environment import environ

_PREFERRED, _BOTO3 = "AWS_REGION", "AWS_DEFAULT_REGION"
_ignored: ContextVar[str] = ContextVar("ignored", default="")


@dataclass(frozen=True, slots=True)
class Region:
    """A region, and the setting that it comes from."""

    name: str
    source: str
    ignored: str = ""
    """The different value of `AWS_DEFAULT_REGION`, which is not used."""

    def __str__(self) -> str:
        other = f"; {_BOTO3}={self.ignored} is not used" if self.ignored else ""
        return f"{self.name} (from {self.source}{other})"


@contextmanager
def preferring_aws_region() -> Iterator[None]:
    """Let boto3 use `AWS_REGION` inside a context, as the AWS CLI does."""
    preferred, default = os.environ.get(_PREFERRED, ""), os.environ.get(_BOTO3, "")
    token = _ignored.set(default if preferred and default != preferred else "")
    try:
        # boto3 would use an empty variable as the region's name.
        with environ({_BOTO3: preferred or default or None}):
            yield
    finally:
        _ignored.reset(token)


def current() -> Region | None:
    """Return the region that boto3 uses, or None if no setting names one."""
    for variable in (_PREFERRED, _BOTO3):
        if name := os.environ.get(variable):
            return Region(name, variable, _ignored.get())
    import boto3  # noqa: PLC0415 - it takes long to import

    session = boto3.Session()
    name = session.region_name
    return Region(name, f"profile {session.profile_name}") if name else None
