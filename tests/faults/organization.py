"""What an organization does with its messages, so that one can tell what is to come of each.

A record's `bad` names the job that fails on it.
"""

from __future__ import annotations

PROJECT = """
inboxes:
  plain: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000001"}
  once: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000002", dedupe: id}
  pulls: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000003", dedupe: id}
triggers:
  record: {inbox: plain, inclusion: {}}
  large: {inbox: once, inclusion: {}}
  pulled: {inbox: pulls, inclusion: {}}
  registered: {success: register}
  unnotified: {failure: notify}
  hourly: {cron: "0 * * * *"}
credentials:
  registry: {adaptor: http}
jobs:
  register: {trigger: record, credential: registry, expression: jobs/register.py}
  notify: {trigger: record, credential: registry, expression: jobs/notify.py}
  follow: {trigger: registered, credential: registry, expression: jobs/follow.py}
  catch: {trigger: unnotified, credential: registry, expression: jobs/catch.py}
  archive: {trigger: large, credential: registry, expression: jobs/archive.py}
  pull: {trigger: hourly, expression: jobs/pull.py}
  store: {trigger: pulled, credential: registry, expression: jobs/store.py}
"""
# The record's id in the path is the idempotency key.
DELIVER = """
from adaptors.common import fn
from adaptors.http import put

def check(state):
    if state["data"].get("bad") == "{job}":
        raise ValueError("bad")
    return state

fn(check)
put(lambda state: "{job}/" + state["data"]["id"], {{"as": "{job}"}})
fn(lambda state: {{**state, "data": state["references"][0]}})
"""
PULL = """
from adaptors.common import each, emit

def rows(state):
    return [{"id": state["scheduled"] + "-" + n} for n in "ab"]

each(rows, emit("pulls"))
"""
DELIVERING = ("register", "notify", "follow", "catch", "archive", "store")
JOBS = {job: DELIVER.format(job=job) for job in DELIVERING} | {"pull": PULL}


def write(folder):
    """Write the project into a folder."""
    (folder / "jobs").mkdir()
    (folder / "project.yaml").write_text(f"name: test\n{PROJECT}", "utf-8")
    for job, code in JOBS.items():
        (folder / f"jobs/{job}.py").write_text(code, "utf-8")


def runs_of(inbox, message_id, record):
    """Give the runs that a message leads to, and how each ends, by id."""
    bad = record.get("bad")
    if inbox == "plain":
        jobs = ["register", "notify", "catch" if bad == "notify" else None]
        jobs.append("follow" if bad != "register" else None)
    else:
        jobs = ["archive"]
    return {f"{message_id}#{job}": "failed" if job == bad else "succeeded" for job in jobs if job}


def deliveries_of(runs, record):
    """Give the paths to which runs of a record deliver it."""
    jobs = [run_id.partition("#")[2] for run_id, end in runs.items() if end == "succeeded"]
    return {f"/{job}/{record['id']}" for job in jobs}


def pulled_at(minutes):
    """Give the paths to which is delivered what was pulled in some minutes."""
    return {f"/store/{minute}-{row}" for minute in minutes for row in "ab"}
