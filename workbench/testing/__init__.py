"""Write tests of a project's jobs: give a job a message and check what it does.

    from workbench.testing import event, run_job

    def test_household_is_put_under_its_id():
        result = run_job("register-household", event("kobo_household.json"))
        assert result.requests[0].method == "PUT"

Nothing is sent and no secret is needed: the job gets a placeholder credential.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from adaptors._runtime.dry_run import Dry, Reply
from openfn.errors import JobError
from openfn.jobs.state import State
from openfn.messages import bodies
from openfn.messages.store import parse_query
from openfn.project.triggers import with_query_params
from workbench.credentials import placeholders
from workbench.errors import CommandError
from workbench.project import job_triggers
from workbench.project.compiler import PROJECT_FILE, check
from workbench.project.references import require_known
from workbench.project.schema.project import ProjectSpec
from workbench.testing.local_run import LocalRun, state_from_post, state_without_post
from workbench.testing.project_run import run_project_job
from workbench.testing.responses import Responses, StubResponses, in_turn
from workbench.testing.saved_posts import headers_of

__all__ = ["JobResult", "Reply", "event", "in_turn", "run_job"]
_EVENTS = Path(__file__).resolve().parents[2] / "events"


@dataclass(frozen=True)
class JobResult:
    """A job's final state or error, its log, and what it would send and emit."""

    final: dict[str, Any] | None
    requests: list[Dry]
    error: JobError | None
    log: str
    emitted: list[tuple[str, Any]]
    """Inbox and body of each message."""


def event(name: str) -> Any:
    """Return a saved post as a job's `data`, from PROJECT/tests/events or from events/.

    A `.form` file is parsed as a posted form.
    """
    folders = (_project() / "tests/events", _EVENTS)
    for path in (folder / name for folder in folders):
        if path.is_file():
            return bodies.parse(path.read_bytes(), headers_of(path, ""))
    raise CommandError(f"There is no event {name} in {folders[0]} or {folders[1]}.")


def run_job(
    job: str,
    body: Any = None,
    *,
    state: State | None = None,
    query: str = "",
    content_type: str = "",
    answers: Responses | None = None,
    credential: Mapping[str, Any] | None = None,
    fails: bool = False,
    project: Path | None = None,
) -> JobResult:
    """Run a job on a body that its trigger matches, or on a state. Nothing is sent.

    `body` is data, or the text or bytes of a post, with its `query` and `content_type`. `answers`
    are the responses of destinations, by method and end of the path, or by a part of an SQL
    statement:

        {"PUT households/*": {"id": 7}, "GET records?page=2": Reply(503), "select id": [{"id": 1}]}

    `*` matches any text, and the first key that matches is used. An answer is data, a `Reply` with
    a status, an error to raise, or several of them to use one after the other: `in_turn(…)`. A
    request without an answer gets the response of a dry run. `credential` adds keys to the
    placeholder credential. By default the project is the one that contains the test.

    Raises AssertionError when the job fails (with `fails`: when it succeeds), when none
    of its triggers matches the body, and when it succeeds without using one of the answers.
    """
    __tracebackhide__ = True
    folder = (project or _project()).resolve()
    spec = _check_once(folder)
    require_known("job", job, spec.jobs)
    stubs = StubResponses(answers or {})
    if body is None:
        initial = state_without_post(job, spec.triggers_of(job), state)
    else:
        initial = _state_of(spec, job, _encode(body), query, content_type)
    configuration = {**placeholders.credential(spec, spec.jobs[job].credential)}
    configuration |= credential or {}
    local_run = run_project_job(
        folder, spec, job, initial, configuration, dry=True, responder=stubs.respond
    )
    _assert_expected(job, local_run, stubs, fails=fails)
    return _result(local_run)


def _result(local_run: LocalRun) -> JobResult:
    emitted = [(inbox, json.loads(text)) for inbox, text in local_run.emitted]
    requests = list(local_run.requests)
    return JobResult(local_run.final, requests, local_run.error, local_run.log, emitted)


_check_once = cache(check)


def _project() -> Path:
    frame = inspect.currentframe()
    while frame := frame and frame.f_back:
        file = Path(frame.f_code.co_filename)
        for folder in file.parents if file.is_absolute() else ():
            if (folder / PROJECT_FILE).is_file():
                return folder
    return Path("project")


def _encode(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _state_of(spec: ProjectSpec, job: str, content: bytes, query: str, content_type: str) -> State:
    __tracebackhide__ = True
    params, headers = parse_query(query.removeprefix("?")), {"content-type": content_type}
    body = with_query_params(bodies.parse_exact(content, headers), params)
    if mismatches := job_triggers.mismatches(spec, job, None, body):
        parts = [f"{name} does not match this body: {why}" for name, why in mismatches.items()]
        raise AssertionError("; ".join(parts))
    return state_from_post(content, params, headers)


def _assert_expected(job: str, local_run: LocalRun, stubs: StubResponses, *, fails: bool) -> None:
    __tracebackhide__ = True
    shown = local_run.masked().requests
    requests = "".join(f"\n  it sent {request.as_dict()}" for request in shown)
    printed = local_run.log and f"\n  it printed {local_run.log}"
    if local_run.error and not fails:
        raise AssertionError(f"{job} failed: {local_run.error}{requests}{printed}")
    if fails and not local_run.error:
        raise AssertionError(f"{job} should fail but succeeded{requests}{printed}")
    if not local_run.error and (unused := stubs.unused()):
        raise AssertionError(f"unused answers: {'; '.join(unused)}{requests}")
