"""Replays, clock jobs, dead letters and erasure: each is shown first and asks once."""

from __future__ import annotations

import html
import json
import re

import pytest

from console import site
from console.site import Site
from openfn.history import audit, details
from openfn.history.audit import Action
from tests.conftest import ROOT
from tests.console.conftest import Browser, sample, send
from tests.console.test_pages import text_of
from workbench.console.project_tools import ProjectTools


def form_of(page):
    """Return the fields of a page's form, as a browser sends them."""
    inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    fields = {name: html.unescape(value) for name, value in inputs}
    if match := re.search(r'<textarea name="runs" hidden>([^<]*)</textarea>', page.text):
        fields["runs"] = html.unescape(match[1])
    return fields


def broken(number=0):
    return sample(_uuid=f"broken {number}", **{"group1/age": ["many"]})


@pytest.fixture
def failed(stack):
    return send(stack, broken())


def test_replay_of_one_run_asks_and_a_second_click_is_refused(browser, stack, failed):
    run = f"{failed}#register-household"
    preview = browser.get(f"/replay?id={run.replace('#', '%23')}")
    assert "Replay 1" in text_of(preview)
    form = form_of(preview)
    assert "1 was queued." in text_of(browser.post("/replay", form))
    stack.drain()
    assert [entry.attempt for entry in details.attempts(run)] == [1]
    again = text_of(browser.post("/replay", form))
    assert "0 were queued." in again
    assert "It has changed since this page was shown: it is failed." in again
    assert details.run(run).attempt == 2


def test_all_of_a_list_are_counted_and_queued_in_order(browser, stack):
    ids = [send(stack, broken(number)) for number in range(12)]
    preview = browser.get("/replay?state=failed&error=attributeerror&since=1h")
    form = form_of(preview)
    runs = form["runs"].split("\n")
    assert f"Replay {len(runs)}" in text_of(preview)
    assert runs == sorted(runs)
    assert {run.partition("#")[0] for run in runs} >= set(ids)
    assert f"{len(runs)} were queued." in text_of(browser.post("/replay", form))
    stack.drain()


def test_list_and_replay_mean_the_same_set(browser, stack, failed):
    send(stack, sample(_uuid="well"))
    listed = browser.get("/runs?state=failed&inbox=field-data&since=1h").text
    link = html.unescape(re.search(r'href="(/replay\?[^"]*)">Replay all', listed)[1])
    runs = form_of(browser.get(link))["runs"].split("\n")
    assert len(runs) == listed.count("data-row")
    assert form_of(browser.get("/replay?state=failed&job=record-visit&since=1h")) == {}


def test_message_is_matched_again(browser, stack):
    message = send(stack, sample(_xform_id_string="groupz", _uuid="again"))
    preview = browser.get(f"/replay?id={message}")
    assert "1 message is matched again." in text_of(preview)
    assert "1 was queued." in text_of(browser.post("/replay", form_of(preview)))
    stack.drain()


def test_erased_message_is_gone_and_its_page_says_so(browser, stack):
    message = send(stack, sample(_uuid="to erase"))
    preview = browser.get(f"/erase?message={message}")
    assert "This cannot be undone." in text_of(preview)
    assert details.message(message).missing is None
    assert "It is erased." in text_of(browser.post("/erase", form_of(preview)))
    assert details.message(message).missing is not None
    assert browser.get(f"/messages/{message}").status == 200
    assert browser.get(f"/messages/{message}/body").status == 404
    assert browser.get("/erase?message=nope").status == 404


def test_actions_need_the_token(browser, stack, failed):
    form = form_of(browser.get(f"/replay?id={failed}%23register-household")) | {"token": "x"}
    for path in ("/replay", "/erase", "/dead-letters", "/jobs/pull/run", "/filter"):
        assert browser.post(path, form | {"message": failed}).status == 403
    assert details.run(f"{failed}#register-household").status == "failed"


def test_dead_letters_are_put_back(browser, stack):
    current = site.current()
    tools = ProjectTools(ROOT / "project", "openfn")
    message = send(stack, sample(_uuid="dead"))
    url = stack.services.call(
        "cloudformation",
        "describe_stack_resource",
        {"StackName": "openfn", "LogicalResourceId": "MatchDeadLetters"},
    )["StackResourceDetail"]["PhysicalResourceId"]
    entry = {"Id": "0", "MessageBody": json.dumps({"message_id": message}), "MessageGroupId": "a"}
    entry["MessageDeduplicationId"] = "dead"
    stack.services.call("sqs", "send_message_batch", {"QueueUrl": url, "Entries": [entry]})
    with site.use(Site("openfn", current.access, "local", current.inbox_urls, tools)):
        operator = Browser(browser.access, browser.cookie)
        assert "1 id is in a dead-letter queue" in text_of(operator.get("/"))
        page = operator.get("/dead-letters")
        assert message in page.text
        assert "1 id was put back." in text_of(operator.post("/dead-letters", form_of(page)))
        assert "There are none." in text_of(operator.get("/dead-letters"))
    stack.drain()


def test_only_clock_jobs_are_run_by_hand(browser):
    assert browser.get("/jobs/register-household/run").status == 404
    assert browser.post("/jobs/register-household/run").status == 404


def test_clock_job_runs_now(create_project_stack):
    text = """
    triggers: {hourly: {cron: "0 * * * *"}}
    jobs: {pull: {trigger: hourly, expression: jobs/pull.py}}
    """
    code = "from adaptors.common import fn\n\nfn(lambda state: {**state, 'ran': True})\n"
    stack = create_project_stack(text, pull=code)
    browser = _open(stack)
    with browser.site:
        assert "Run now" in text_of(browser.get("/"))
        form = form_of(browser.get("/jobs/pull/run"))
        opened = browser.post("/jobs/pull/run", form)
        stack.drain()
        page = browser.get(opened.headers["Location"])
        assert "succeeded" in text_of(page)
        assert "ran" in page.text


def _open(stack):
    from console.access import Access  # noqa: PLC0415
    from tests.console.conftest import HOST  # noqa: PLC0415

    access = Access("secret", (HOST,))
    browser = Browser(access, access.create_cookie().partition(";")[0])
    browser.site = site.use(Site("openfn", access, "local", dict))
    return browser


def test_actions_are_in_the_audit_list(browser, stack, failed):
    preview = browser.get(f"/replay?id={failed}%23register-household")
    browser.post("/replay", form_of(preview))
    stack.drain()
    assert (Action.REPLAY, "1 runs, 0 messages") in [
        (entry.action, entry.subject) for entry in audit.newest_first(50)
    ]
    page = browser.get("/looked")
    assert "replayed" in text_of(page)
