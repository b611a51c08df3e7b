"""One run: its error with the source, its attempts, log and states, and what followed."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import diffs, reads, source_excerpts, trees
from console.responses import page, record
from console.routing import create_router
from openfn import ids
from openfn.errors import NotFound
from openfn.history import details
from openfn.history.audit import Action
from openfn.history.details import RunDetails
from openfn.project import compiled

router = create_router()
_MAX_LOG = 60_000


@router.get("/runs/<message_id>/<job>")
def show_run(message_id: str, job: str) -> Response[str]:
    """Show a run with its error, attempts, log, states, and what followed."""
    run = reads.run(ids.run_id(message_id, job))
    record(Action.VIEW, run.id)
    initial, problem = _initial_state(run)
    changes = diffs.compare(initial, run.final) if run.final and initial is not None else []
    return page(
        "run.html",
        run=run,
        message_id=message_id,
        received=ids.received_at(run.id),
        source=source_excerpts.load(run.job, _line_of(run)),
        attempts=details.attempts(run.id),
        log=_end_of(run.log),
        initial=None if initial is None else trees.build(initial),
        initial_problem=problem,
        final=None if run.final is None else trees.build(run.final),
        changes=changes[: diffs.MAX_CHANGES],
        more_changes=max(0, len(changes) - diffs.MAX_CHANGES),
        follow_ups=details.follow_ups(run),
        emitted=details.emitted_messages(run.id),
        has_changed=compiled.current().version != run.project_version,
    )


def _line_of(run: RunDetails) -> int:
    return int((run.error or {}).get("line") or 0)


def _initial_state(run: RunDetails) -> tuple[Any, str]:
    try:
        return reads.initial_state(run.id), ""
    except NotFound as error:
        return None, str(error)


def _end_of(log: str) -> str:
    return log if len(log) <= _MAX_LOG else f"…{log[-_MAX_LOG:]}"
