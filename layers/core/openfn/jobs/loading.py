"""Load a job's file: Python, or JavaScript."""

from __future__ import annotations

from openfn.jobs import expression, javascript
from openfn.jobs.expression import Operation
from openfn.jobs.job_file import JobFile


def load(job: JobFile) -> list[Operation]:
    """Load a job's operations; raise `ProjectError` or `JobError` if that is impossible."""
    if job.expression.suffix == javascript.SUFFIX:
        return javascript.load(job)
    return expression.load(job.expression)
