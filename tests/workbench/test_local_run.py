"""One job runs on this machine, on a saved post, without AWS."""

from __future__ import annotations

import pytest

from openfn.errors import UnreadableBody
from workbench.testing.local_run import run_locally, state_from_post


@pytest.fixture
def dry_run_of(project):
    """Run a job's code on a body, without sending anything."""

    def run(code, body=b'{"a": 1.50}', configuration=None, query_params=None):
        path = project.write("jobs/go.py", f"from adaptors.common import fn\n{code}\n")
        state = state_from_post(body, query_params or {})
        return run_locally(path, state, configuration or {}, dry=True)

    return run


def test_initial_state_is_that_of_a_message(dry_run_of):
    local_run = dry_run_of(
        "fn(lambda state: {**state, 'keys': sorted(state), 'data': [state['data']]})",
        configuration={"password": "hunter2"},
        query_params={"site": "A"},
    )
    assert local_run.error is None
    assert local_run.final["keys"] == ["configuration", "data", "references", "request"]
    assert local_run.final["data"] == [{"a": 1.5}]
    assert local_run.final["request"]["query_params"] == {"site": "A"}
    assert "hunter2" not in str(local_run.as_dict())


def test_failed_job_has_a_log_but_no_final_state(dry_run_of):
    local_run = dry_run_of(
        "def show(state):\n    print('seen')\n    return state['nothing']\n\n\nfn(show)"
    )
    assert (local_run.final, local_run.log) == (None, "seen\n")
    assert (local_run.error.line, local_run.error.type) == (4, "KeyError")


def test_unreadable_body_is_an_error(dry_run_of):
    with pytest.raises(UnreadableBody):
        dry_run_of("fn(lambda state: state)", body=b"")


def test_request_of_a_dry_run_has_its_body(dry_run_of):
    local_run = dry_run_of(
        "from adaptors.http import post\npost('x', {'a': 1})",
        configuration={"baseUrl": "https://example.org"},
    )
    (request,) = local_run.as_dict()["requests"]
    assert (request["method"], request["url"]) == ("POST", "https://example.org/x")
    assert request["body"] == '{"a": 1}'


def test_emitted_messages_are_recorded_and_an_unknown_inbox_is_an_error(project):
    code = "from adaptors.common import emit\nemit('field', {'a': 1})\nemit('feild')\n"
    path = project.write("jobs/go.py", code)
    local_run = run_locally(path, {"data": 1}, {}, dry=True, inboxes=("field",))
    assert local_run.as_dict()["emitted"] == [{"inbox": "field", "body": {"a": 1}}]
    assert str(local_run.error).endswith("has no inbox 'feild' to emit to. It has: field.")


WRITES = """
from adaptors.common import fn
from adaptors.errors import RemoteUnavailable
from adaptors._runtime.run_context import UnitOfWork, on_attempt_end


def begin(state):
    def commit():
        print("committed" if {commits} else "lost")
        if not {commits}:
            raise RemoteUnavailable("the connection was lost")

    on_attempt_end(UnitOfWork(commit, lambda: print("rolled back"), lambda: True))
    return state


fn(begin)
fn(lambda state: {{**state, "n": 1 / {divisor}}})
"""


@pytest.mark.parametrize(
    ("commits", "divisor", "final", "error", "log"),
    [
        (True, 1, {"n": 1.0}, None, "committed"),
        (True, 0, None, ("ZeroDivisionError", "fn"), "rolled back"),
        (False, 1, None, ("RemoteUnavailable", "ending"), "lost\nrolled back"),
    ],
)
def test_transactions_of_a_job_end_with_it(project, commits, divisor, final, error, log):
    path = project.write("jobs/go.py", WRITES.format(commits=commits, divisor=divisor))
    local_run = run_locally(path, {}, {}, dry=False)
    assert local_run.final == (final and final | {"references": []})
    assert (local_run.error and (local_run.error.type, local_run.error.operation)) == error
    assert local_run.log.strip() == log
