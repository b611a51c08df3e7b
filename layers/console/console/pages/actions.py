"""What a person does: each action is shown first, asks once, and is in the audit list."""

from __future__ import annotations

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from console import list_filters, replays, request, site
from console.replays import Preview
from console.responses import page, record, redirect, token
from console.routing import create_router
from console.tools import Tools
from openfn import ids
from openfn.errors import NotFound, NotReplayed
from openfn.history import audit, erasure
from openfn.history.audit import Action
from openfn.project import compiled
from openfn.project.compiled import Job
from openfn.project.triggers import Kind
from openfn.runs import dispatch
from openfn.runs.model import Plan
from openfn.storage import table

router = create_router()
_AUDIT_ENTRIES, _SHOWN = 200, 50


@router.get("/replay")
def preview_replay() -> Response[str]:
    """Count what a replay would do, by job and state."""
    try:
        preview, problem = _preview(), ""
    except NotReplayed as error:
        preview, problem = Preview([], [], 0), str(error)
    return page(
        "replay.html", preview=preview, problem=problem, result=None, shown=_SHOWN, token=token()
    )


@router.post("/replay")
def replay() -> Response[str]:
    """Replay what was shown, except for runs that have changed since."""
    form = request.current()
    targets = [text for text in form.field("runs").splitlines() if text.count(" ") > 1]
    messages = form.field("messages").split()
    record(Action.REPLAY, f"{len(targets)} runs, {len(messages)} messages")
    result = replays.replay_all(targets, messages, restart=bool(form.field("restart")))
    return page("replay.html", result=result, shown=_SHOWN)


@router.get("/jobs/<job>/run")
def confirm_run(job: str) -> Response[str]:
    """Ask whether a clock job is to run now."""
    _cron_trigger(job)
    return page("run_job.html", job=job, token=token())


@router.post("/jobs/<job>/run")
def run_job(job: str) -> Response[str]:
    """Run a clock job now, as its trigger does."""
    plan = Plan(ids.new_message_id(), job, _cron_trigger(job), Kind.CRON, order=Kind.CRON)
    record(Action.RUN_JOB, job)
    if errors := dispatch.create_and_queue([plan]):
        return page("error.html", 502, title="refused", text=errors[plan.id])
    return redirect(f"/runs/{plan.source_id}/{job}")


@router.get("/dead-letters")
def show_dead_letters() -> Response[str]:
    """Show the ids that failed too often."""
    return page("dead_letters.html", queues=_tools().dead_letters(), moved=None, token=token())


@router.post("/dead-letters")
def put_back_dead_letters() -> Response[str]:
    """Put all ids of the dead-letter queues back on their queues."""
    record(Action.REDRIVE, "all")
    moved = _tools().put_back_dead_letters()
    queues = _tools().dead_letters()
    return page("dead_letters.html", queues=queues, moved=moved, token=token())


@router.get("/erase")
def preview_erasure() -> Response[str]:
    """Show what is erased with a message."""
    message_id = request.current().query.get("message", "")
    targets = erasure.select([message_id]) if ids.is_message_id(message_id) else []
    if not targets:
        raise NotFound("No such message.")
    return page("erase.html", message_id=message_id, targets=targets, refused=None, token=token())


@router.post("/erase")
def erase() -> Response[str]:
    """Erase a message with its runs and the messages that these emitted."""
    message_id = request.current().field("message")
    targets = erasure.select([message_id]) if ids.is_message_id(message_id) else []
    record(Action.ERASE, message_id)
    now = table.timestamp(datetime.now(UTC).timestamp())
    by = {"erased_at": now, "erased_by": site.current().person}
    refused = erasure.erase(targets, by, lambda _count: None)
    return page("erase.html", message_id=message_id, targets=targets, refused=refused, token="")


@router.get("/looked")
def show_audit_list() -> Response[str]:
    """Show who looked at what, and who did what."""
    return page("looked.html", entries=audit.newest_first(_AUDIT_ENTRIES))


def _preview() -> Preview:
    current = request.current()
    if identifiers := current.parameters.get("id"):
        return replays.preview_ids(identifiers)
    return replays.preview_list(list_filters.of_runs(current))


def _cron_trigger(name: str) -> str:
    project = compiled.current()
    for trigger in project.cron_triggers:
        jobs: list[Job] = list(project.jobs_by_trigger[trigger.name])
        if any(job.name == name for job in jobs):
            return trigger.name
    raise NotFound(f"There is no clock job {name}.")


def _tools() -> Tools:
    tools = site.current().tools
    if tools is None:
        raise NotFound("Dead letters are shown on the machine of the project only.")
    return tools
