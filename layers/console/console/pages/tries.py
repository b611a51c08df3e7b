"""Try a job file on a stored message: a dry run that is repeated after each save."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import diffs, reads, request, site
from console.responses import error_page, page, record
from console.routing import create_router
from console.tools import JobFile, ProjectRefused, Trial
from openfn.errors import NotFound
from openfn.history.audit import Action
from openfn.project import compiled

router = create_router()
_OWN_SITES = {"same-origin", "none"}


@router.get("/try")
def try_job() -> Response[str]:
    """Run a job file on a message, sending nothing, and show what it would do."""
    current = request.current()
    tools = site.current().tools
    if tools is None:
        raise NotFound("A job can be tried on the machine of the project only.")
    if current.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        return error_page(403, "other page", "")
    job, message = current.query.get("job", ""), reads.message(current.query.get("message", ""))
    record(Action.TRY, f"{message.summary.id}#{job}")
    file: JobFile | None = None
    trial: Trial | None = None
    problem = message.problem or ""
    try:
        file = tools.job_file(job)
        trial = None if problem else tools.try_job(job, message.message)
    except ProjectRefused as refused:
        problem = str(refused)
    jobs = sorted(compiled.current().jobs)
    seen: dict[str, Any] = {"job": job, "jobs": jobs, "message": message, "file": file}
    return page("try.html", problem=problem, **seen, **_result(trial))


def _result(trial: Trial | None) -> dict[str, Any]:
    if trial is None:
        return {"trial": None, "failed_line": 0, "changes": []}
    changes = diffs.compare(trial.initial, trial.final) if trial.final else []
    line = int((trial.error or {}).get("line") or 0)
    return {"trial": trial, "failed_line": line, "changes": changes[: diffs.MAX_CHANGES]}
