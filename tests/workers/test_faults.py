"""Errors and states that harm what records them, and jobs that close their standard streams.

Each job is executed in a worker, and in process as `ofn try` and `ofn test` do.
"""

from __future__ import annotations

import pytest

from openfn import ids
from openfn.history import details
from openfn.runs import store as runs
from openfn.runs.model import Plan
from tests.conftest import LogLines, post, write_project
from tests.support.sqs import failed_ids, sqs_event
from workbench.local.stack import create_stack

JOB = """
import logging, os, sys
from functools import reduce
from adaptors._runtime.run_context import UnitOfWork, on_attempt_end
from adaptors.common import fn

def end(*_):
    raise {exception}

class Ending(Exception):
    __str__ = end

class Judging(Exception):
    verdict = property(end)
    retry_after = property(end)

class Value:
    __str__ = __repr__ = end

def work(state):
    {code}
    return state

def last(state):
    {last}
    return state

fn(work)
fn(last)
"""
ERRORS = {
    "text": ("raise Ending", "Ending", "The error has no text: its __str__ raised {}."),
    "attributes": ("raise Judging('no')", "Judging", "no"),
    "commit": (
        "_ = on_attempt_end(UnitOfWork(end, lambda: None, lambda: False))",
        "{}",
        "The job raised {}, which would end the process.",
    ),
    "raises": ("end()", "{}", ""),
}
LATE_ERRORS = {
    "value": "state['own'] = Value()",
    "circle": "state['me'] = state",
    "deep": "state['deep'] = reduce(lambda inner, _: {'a': inner}, range(400), 1)",
}
SUCCESSES = {
    "final": "state['own'] = Value()",
    "closes": "print('before'); sys.stdout.close()",
    "formats": "logging.warning('%d', 'x')",
}
EXCEPTIONS = {"exits": "SystemExit", "interrupts": "KeyboardInterrupt"}
IN_WORKERS = {
    "stream": "sys.stderr.close()",
    "encoding": "sys.stdout.reconfigure(encoding='ascii', errors='strict')",
    "output": "os.close(1)",
    "error": "os.dup2(os.open(os.devnull, os.O_WRONLY), 2)",
    "blocking": "os.set_blocking(1, False)",
    "flush": "sys.stdout = type('Own', (), {'flush': end})()",
}
PRINTS = "print('to stdout: é'); print('to stderr', file=sys.stderr); logging.info('logged')"

LOG = "to stdout: é\nto stderr\nINFO root: logged\n"


def codes():
    """Return the code of each job by its name."""
    codes = {"prints": JOB.format(exception="Exception", code=PRINTS, last="pass")}
    for prefix, exception in EXCEPTIONS.items():
        for name, (code, _, _) in ERRORS.items():
            codes[f"{prefix}_{name}"] = JOB.format(exception=exception, code=code, last="pass")
        for name, code in SUCCESSES.items():
            codes[f"{prefix}_{name}"] = JOB.format(exception=exception, code=code, last="pass")
        for name, code in LATE_ERRORS.items():
            fails = "state['missing']"
            codes[f"{prefix}_{name}"] = JOB.format(exception=exception, code=code, last=fails)
    for name, code in IN_WORKERS.items():
        codes[name] = JOB.format(exception="SystemExit", code=code, last="pass")
    return codes


@pytest.fixture(scope="module", params=[True, False], ids=["workers", "in process"])
def stack(request, tmp_path_factory):

    folder, jobs = tmp_path_factory.mktemp("faults"), codes()
    names = "".join(f"  {name}: {{trigger: all, expression: jobs/{name}.py}}\n" for name in jobs)
    text = f"triggers: {{all: {{inclusion: {{}}}}}}\njobs:\n{names}"
    write_project(folder, text, jobs)
    with create_stack(folder, LogLines().record, workers=request.param) as stack:
        yield stack


@pytest.fixture
def execute(stack):
    def execute(*jobs):
        message_id = post(stack, '{"name": "Amina"}')["headers"]["X-Message-Id"]
        runs.create([Plan(message_id, job, "all") for job in jobs], "version")
        run_ids = [ids.run_id(message_id, job) for job in jobs]
        assert failed_ids(stack.invoke("runner", sqs_event("run_id", *run_ids))) == []
        return [details.run(run_id) for run_id in run_ids]

    return execute


@pytest.mark.parametrize("prefix", EXCEPTIONS)
def test_errors_that_would_end_the_process_are_recorded(execute, prefix):
    exception, jobs = EXCEPTIONS[prefix], [f"{prefix}_{name}" for name in ERRORS]
    expected = [
        ("failed", error.format(exception), message.format(exception), "author")
        for _, error, message in ERRORS.values()
    ]
    records = execute(*jobs)
    errors = [record.error or {} for record in records]
    fields = [(error.get("type"), error.get("message"), error.get("verdict")) for error in errors]
    assert [(record.status, *of) for record, of in zip(records, fields, strict=True)] == expected


@pytest.mark.parametrize("prefix", EXCEPTIONS)
def test_state_that_is_no_json_does_not_hide_the_jobs_own_error(execute, prefix):
    records = execute(*[f"{prefix}_{name}" for name in LATE_ERRORS])
    errors = [(record.error["type"], record.error["operation"]) for record in records]
    assert errors == [("KeyError", "fn")] * len(LATE_ERRORS)


@pytest.mark.parametrize("prefix", EXCEPTIONS)
def test_jobs_whose_state_or_output_is_unusable_succeed(execute, prefix):
    records = execute(*[f"{prefix}_{name}" for name in SUCCESSES])
    assert [record.error for record in records] == [None] * len(SUCCESSES)
    final, closes, formats = records
    name = EXCEPTIONS[prefix]
    assert final.final["own"] == f"this cannot be written as JSON: {name}"
    assert closes.log == "before\n"
    assert "%d" in formats.log


@pytest.mark.parametrize("stack", [True], ids=["workers"], indirect=True)
def test_log_is_complete_after_a_job_closed_or_replaced_its_streams(execute):
    for name in IN_WORKERS:
        (closes,), (prints,) = execute(name), execute("prints")
        assert (closes.error, prints.log) == (None, LOG), name
