"""Deprecated names of the first release; use `dry_run` and `Reply` of `adaptors.sdk`."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager

from adaptors._runtime import dry_run as _dry_run
from adaptors._runtime.dry_run import Dry, DryRequest, DryStatement, Reply
from adaptors._runtime.dry_run import Responder as Answering
from adaptors._runtime.dry_run import recorded as seen
from adaptors._runtime.dry_run import scripted_response as answer_to

__all__ = [
    "Answering",
    "Dry",
    "DryRequest",
    "DryStatement",
    "Reply",
    "answer_to",
    "dry_run",
    "seen",
]

warnings.warn(
    "adaptors.dryrun is deprecated: import from adaptors.sdk.", DeprecationWarning, stacklevel=2
)


def dry_run(answering: Answering | None = None) -> AbstractContextManager[list[Dry]]:
    """Record in a list what would be sent."""
    return _dry_run.dry_run(answering)
