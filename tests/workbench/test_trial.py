"""One job on one saved body, without AWS."""

from __future__ import annotations

import pytest

from openfn.errors import UnreadableBody
from workbench.testing.local_run import attempt, posted


@pytest.fixture
def tried(project):
    """Try a job's code on a body, dry."""

    def run(code, body=b'{"a": 1.50}', configuration=None, query_params=None):
        path = project.write("jobs/go.py", f"from adaptors.common import fn\n{code}\n")
        return attempt(path, posted(body, query_params or {}), configuration or {}, dry=True)

    return run


def test_a_job_begins_with_the_state_a_message_begins_with(tried):
    trial = tried(
        "fn(lambda state: {**state, 'keys': sorted(state), 'data': [state['data']]})",
        configuration={"password": "hunter2"},
        query_params={"site": "A"},
    )
    assert trial.error is None
    assert trial.final["keys"] == ["configuration", "data", "references", "request"]
    assert trial.final["data"] == [{"a": 1.5}]
    assert trial.final["request"]["query_params"] == {"site": "A"}
    assert "hunter2" not in str(trial.as_dict())


def test_a_job_that_fails_has_no_final_state_but_its_log(tried):
    trial = tried("def show(state):\n    print('seen')\n    return state['nothing']\n\n\nfn(show)")
    assert (trial.final, trial.log) == (None, "seen\n")
    assert (trial.error.line, trial.error.type) == (4, "KeyError")


def test_a_body_that_cannot_be_read_is_the_caller_s_to_say(tried):
    with pytest.raises(UnreadableBody):
        tried("fn(lambda state: state)", body=b"")


def test_a_request_that_is_not_sent_is_given_with_its_body(tried):
    trial = tried(
        "from adaptors.http import post\npost('x', {'a': 1})",
        configuration={"baseUrl": "https://example.org"},
    )
    (request,) = trial.as_dict()["requests"]
    assert (request["method"], request["url"]) == ("POST", "https://example.org/x")
    assert request["body"] == '{"a": 1}'


def test_what_a_job_emits_is_shown_and_an_inbox_there_is_not_is_a_failure(project):
    code = "from adaptors.common import emit\nemit('field', {'a': 1})\nemit('feild')\n"
    path = project.write("jobs/go.py", code)
    trial = attempt(path, {"data": 1}, {}, dry=True, inboxes=("field",))
    assert trial.as_dict()["emitted"] == [{"inbox": "field", "body": {"a": 1}}]
    assert str(trial.error).endswith("has no inbox 'feild' to emit to. It has: field.")


WRITES = """
from adaptors.common import fn
from adaptors.errors import RemoteUnavailable
from adaptors._runtime.run_context import UnitOfWork, on_attempt_end


def begin(state):
    def commit():
        print("committed" if {well} else "lost")
        if not {well}:
            raise RemoteUnavailable("the connection was lost")

    on_attempt_end(UnitOfWork(commit, lambda: print("rolled back"), lambda: True))
    return state


fn(begin)
fn(lambda state: {{**state, "n": 1 / {last}}})
"""


@pytest.mark.parametrize(
    ("well", "last", "final", "error", "log"),
    [
        (True, 1, {"n": 1.0}, None, "committed"),
        (True, 0, None, ("ZeroDivisionError", "fn"), "rolled back"),
        (False, 1, None, ("RemoteUnavailable", "ending"), "lost\nrolled back"),
    ],
)
def test_what_a_job_has_begun_ends_with_it(project, well, last, final, error, log):
    path = project.write("jobs/go.py", WRITES.format(well=well, last=last))
    trial = attempt(path, {}, {}, dry=False)
    assert trial.final == (final and final | {"references": []})
    assert (trial.error and (trial.error.type, trial.error.operation)) == error
    assert trial.log.strip() == log
