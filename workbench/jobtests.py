"""Deprecated name of the first release; use `workbench.testing`."""

from __future__ import annotations

import warnings

from workbench.testing import JobResult as Done
from workbench.testing import Reply, event, in_turn, run_job

__all__ = ["Done", "Reply", "event", "in_turn", "run_job"]

warnings.warn(
    "workbench.jobtests is deprecated: import from workbench.testing.",
    DeprecationWarning,
    stacklevel=2,
)
