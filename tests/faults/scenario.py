"""The project of the fault tests, and the runs and deliveries that every message must lead to.

A record's `bad` names the job that fails on it.
"""

from __future__ import annotations

PROJECT = """
inboxes:
  plain: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000001"}
  once: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000002", dedupe: id}
  pulls: {id_sha256: "0000000000000000000000000000000000000000000000000000000000000003", dedupe: id}
  private:
    id_sha256: "0000000000000000000000000000000000000000000000000000000000000004"
    dedupe: id
    keep: none
triggers:
  record: {inbox: plain, inclusion: {}}
  large: {inbox: once, inclusion: {}}
  pulled: {inbox: pulls, inclusion: {}}
  private: {inbox: private, inclusion: {}}
  registered: {success: register}
  confided: {success: confide}
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
  confide: {trigger: private, credential: registry, expression: jobs/confide.py}
  whisper: {trigger: private, credential: registry, expression: jobs/whisper.py}
  thank: {trigger: confided, credential: registry, expression: jobs/thank.py}
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
EMIT = """
from adaptors.common import emit

emit("pulls", lambda state: {"id": state["data"]["id"] + "-confided"})
"""
DELIVERING = ("register", "notify", "follow", "catch", "archive", "store", "whisper", "thank")
JOBS = {job: DELIVER.format(job=job) for job in DELIVERING} | {"pull": PULL}
JOBS["confide"] = DELIVER.format(job="confide") + EMIT


def write(folder):
    """Write the project into a folder."""
    (folder / "jobs").mkdir()
    (folder / "project.yaml").write_text(f"name: test\n{PROJECT}", "utf-8")
    for job, code in JOBS.items():
        (folder / f"jobs/{job}.py").write_text(code, "utf-8")


def runs_of(inbox, message_id, record):
    """Return the expected final statuses of a message's runs, by run id."""
    bad = record.get("bad")
    if inbox == "plain":
        jobs = ["register", "notify", "catch" if bad == "notify" else None]
        jobs.append("follow" if bad != "register" else None)
    elif inbox == "private":
        jobs = ["confide", "whisper", "thank"]
    else:
        jobs = ["archive"]
    return {f"{message_id}#{job}": "failed" if job == bad else "succeeded" for job in jobs if job}


def deliveries_of(runs, record):
    """Return the paths to which the runs of a record deliver it."""
    jobs = [run_id.partition("#")[2] for run_id, status in runs.items() if status == "succeeded"]
    emitted = {f"/store/{record['id']}-confided"} if "confide" in jobs else set()
    return {f"/{job}/{record['id']}" for job in jobs} | emitted


def deliveries_of_pulls(minutes):
    """Return the paths to which the records pulled in some minutes are delivered."""
    return {f"/store/{minute}-{row}" for minute in minutes for row in "ab"}
