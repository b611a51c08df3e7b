"""`ofn received` shows what the built-in destinations received, with secrets masked."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from openfn import ids
from tests.conftest import post, write_project
from workbench.local.stack import create_stack
from workbench.local.stand_in.executing_runs import ExecutingRuns
from workbench.local.stand_in.servers import StandIns
from workbench.store.received import ReceivedRequest

PROJECT = """
triggers: {all: {inclusion: {}}}
credentials: {registry: {adaptor: http}, commcare: {adaptor: commcare}}
jobs:
  job-a: {trigger: all, credential: registry, expression: jobs/a.py}
  job-b: {trigger: all, credential: commcare, expression: jobs/b.py}
"""
JOBS = {
    "a": """
        from adaptors.http import post
        post("records", {"name": "Amina", "key": lambda state: state["configuration"]["password"]})
        """,
    "b": """
        from adaptors.commcare import get_cases
        get_cases()
        """,
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A stack whose two jobs have sent a request each."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, PROJECT, JOBS)
    with create_stack(folder) as stack, ExitStack() as context:
        stand_ins = StandIns(
            context, stack.services.received, stack.versions.executing, lambda _received: None
        )
        for name, body in stand_ins.credentials(folder, ()).items():
            stack.set_credential(name, {**body, "username": "u", "password": "s3cr3t-Zm9v"})
        assert post(stack, "{}")["statusCode"] == 200
        stack.drain()
        yield stack


# The first test, because the stack of the others is active until the end of the module.
def test_folder_without_data_is_an_error(ofn):
    assert "have no data of `ofn serve`" in ofn("received").err


@pytest.fixture
def received(stack, ofn):
    def run(*arguments):
        return ofn("received", *arguments)

    return run


def numbers(ended):
    assert ended.status == 0, ended.err
    return [request["number"] for request in json.loads(ended.out)]


def test_requests_are_listed_newest_first_with_destination_and_job(received):
    ended = received("--json")
    assert numbers(ended) == [2, 1]
    jobs = {(request["destination"], request["job"]) for request in json.loads(ended.out)}
    assert jobs == {("registry", "job-a"), ("commcare", "job-b")}


@pytest.mark.parametrize(
    ("options", "destinations"),
    [
        (("--destination", "registry"), ["registry"]),
        (("--job", "job-b"), ["commcare"]),
        (("--before", "2"), [...]),
        (("--limit", "1"), [...]),
        (("--since", "2999-01-01"), []),
    ],
)
def test_list_can_be_filtered(received, options, destinations):
    ended = received(*options, "--json")
    assert len(numbers(ended)) == len(destinations)
    shown = [request["destination"] for request in json.loads(ended.out)]
    assert ... in destinations or shown == destinations


def test_line_of_the_list_has_the_request_and_no_secret(received):
    ended = received("--destination", "registry")
    assert ended.out.split(" ", 3)[3] == (
        'registry job-a POST /records {"name": "Amina", "key": "***"}\n'
    )


def test_one_request_is_shown_with_headers_and_body_and_no_secret(received):
    (number,) = numbers(received("--destination", "registry", "--json"))
    ended = received(number, "--json")
    request = json.loads(ended.out)
    assert request["body"] == {"name": "Amina", "key": "***"}
    assert request["headers"]["Authorization"] == "***"
    assert request["headers"]["Content-Type"] == "application/json"
    text = received(number).out
    assert '"name": "Amina"' in text
    assert "s3cr3t" not in ended.out + text


def test_unknown_number_is_an_error(received):
    assert received("99").err.endswith(
        "No request 99. `ofn received` lists those that are stored.\n"
    )


def test_no_control_character_is_printed(stack, received):
    hostile = "\x1b]52;c;evil\x07"
    request = ReceivedRequest(
        1.0, hostile, hostile, "", "GET", hostile, "", {hostile: hostile}, hostile.encode()
    )
    stack.services.received.add(request)
    (number, *_) = numbers(received("--since", "1970-01-01", "--json"))
    for ended in (received("--since", "1970-01-01"), received(number), received(number, "--json")):
        assert "evil" in ended.out
        assert not {"\x1b", "\x07"} & set(ended.out)


def test_expired_requests_are_deleted(stack):
    requests = stack.services.received
    requests.delete_older(0)
    assert list(requests.newest_first())
    requests.delete_older(1e12)
    assert not list(requests.newest_first())


def test_job_of_a_run_that_follows_several_jobs_is_shown_without_its_branch():
    run_id = ids.run_id(ids.new_message_id(), "bill", "register")
    executing = ExecutingRuns()
    executing.add("registry", run_id)
    assert executing.sender("registry") == ("bill", run_id)
