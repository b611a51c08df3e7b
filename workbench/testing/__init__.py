"""What the tests of a project's jobs are written with: a body in, what the job does with it out.

    from workbench.testing import event, run_job

    def test_a_household_is_put_below_its_id():
        done = run_job("register-household", event("kobo_household.json"))
        assert done.requests[0].method == "PUT"

Nothing is sent, and no secret is needed: the credential is made up as its adaptor wants it.
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
from openfn.history.why_not import explain
from openfn.jobs.state import State
from openfn.messages import bodies
from openfn.messages.store import parse_query
from openfn.project.triggers import with_query_params
from workbench.credentials import placeholders
from workbench.errors import CommandError
from workbench.project.compiler import PROJECT_FILE, check, message_triggers
from workbench.project.references import require_known
from workbench.project.schema.project import ProjectWritten
from workbench.testing.local_run import Trial, attempt, posted, unposted
from workbench.testing.responses import Answers, Script, in_turn
from workbench.testing.saved_posts import headers_of

__all__ = ["Done", "Reply", "event", "in_turn", "run_job"]
_EVENTS = Path(__file__).resolve().parents[2] / "events"


@dataclass(frozen=True)
class Done:
    """What a job did: its final state or error, what it printed, and would send and emit."""

    final: dict[str, Any] | None
    requests: list[Dry]
    error: JobError | None
    log: str
    emitted: list[tuple[str, Any]]
    """Inbox and body of each message."""


def event(name: str) -> Any:
    """Read a saved body as a job's `data` has it: of PROJECT/tests/events, or else of events/.

    A `.form` file is one that was posted as a form.
    """
    folders = (_project() / "tests/events", _EVENTS)
    for path in (folder / name for folder in folders):
        if path.is_file():
            return bodies.parse(path.read_bytes(), headers_of(path, ""))
    raise CommandError(f"there is no event {name} in {folders[0]}, nor in {folders[1]}")


def run_job(
    job: str,
    body: Any = None,
    *,
    state: State | None = None,
    query: str = "",
    content_type: str = "",
    answers: Answers | None = None,
    credential: Mapping[str, Any] | None = None,
    fails: bool = False,
    project: Path | None = None,
) -> Done:
    """Run a job on a body that its trigger matches, or on a state; nothing is sent.

    `body` is data, or the text or bytes of a post, with its `query` and `content_type`. `answers`
    are what destinations say, by method and the end of a path, or by a part of an SQL statement:

        {"PUT households/*": {"id": 7}, "GET records?page=2": Reply(503), "select id": [{"id": 1}]}

    `*` stands for any text, and the first key that fits is taken. An answer is data, a `Reply` with
    a status, an error that is raised, or several of them, each once: `in_turn(…)`. What has no
    answer is answered as in a dry run. `credential` adds to the made-up one. The project is the
    one the test lies in.

    Raises `AssertionError` when the job fails (or, with `fails`, when it does not), when its
    trigger does not match the body, and when it succeeds without asking for an answer given here.
    """
    __tracebackhide__ = True
    folder = (project or _project()).resolve()
    written = _checked(folder)
    require_known("job", job, written.jobs)
    chosen, script = written.jobs[job], Script(answers or {})
    if body is None:
        begun = unposted(job, written.triggers[chosen.trigger], state)
    else:
        begun = _posted(written, chosen.trigger, _content(body), query, content_type)
    trial = attempt(
        folder / chosen.expression,
        begun,
        {**placeholders.credential(written, chosen.credential), **(credential or {})},
        dry=True,
        inboxes=written.inboxes,
        answering=script.answer,
    )
    _judge(job, trial, script, fails=fails)
    emitted = [(inbox, json.loads(text)) for inbox, text in trial.emitted]
    return Done(trial.final, list(trial.requests), trial.error, trial.log, emitted)


_checked = cache(check)


def _project() -> Path:
    frame = inspect.currentframe()
    while frame := frame and frame.f_back:
        file = Path(frame.f_code.co_filename)
        for folder in file.parents if file.is_absolute() else ():
            if (folder / PROJECT_FILE).is_file():
                return folder
    return Path("project")


def _content(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _posted(
    written: ProjectWritten, trigger: str, content: bytes, query: str, content_type: str
) -> State:
    __tracebackhide__ = True
    params, given = parse_query(query.removeprefix("?")), {"content-type": content_type}
    body = with_query_params(bodies.parse_exact(content, given), params)
    for each in message_triggers(written):
        verdict = explain(each, None, body)
        if each.name == trigger and not verdict.matches:
            raise AssertionError(f"{trigger} does not match this body: {verdict.why}")
    return posted(content, params, given)


def _judge(job: str, trial: Trial, script: Script, *, fails: bool) -> None:
    __tracebackhide__ = True
    did = "".join(f"\n  it sent {each.as_dict()}" for each in trial.requests)
    printed = trial.log and f"\n  it printed {trial.log}"
    if trial.error and not fails:
        raise AssertionError(f"{job} failed: {trial.error}{did}{printed}")
    if fails and not trial.error:
        raise AssertionError(f"{job} was to fail, and succeeded{did}{printed}")
    if not trial.error and (unused := script.unused()):
        raise AssertionError(f"the answer {'; '.join(unused)}{did}")
