"""The project of the fault tests, and the runs and deliveries that every message must lead to.

A record's `bad` names the job that fails on it.
"""

from __future__ import annotations

_INBOXES = {
    "plain": "",
    "once": "dedupe: id",
    "pulls": "dedupe: id",
    "visits": "",
    "results": "",
    "secret": "dedupe: id, keep: none",
    "private": "dedupe: id, keep: none",
    "clinic": "dedupe: id, keep: none",
}
DEDUPLICATING = {inbox for inbox, options in _INBOXES.items() if "dedupe" in options}
ERASED = {inbox for inbox, options in _INBOXES.items() if "keep: none" in options}
ORDERED = {"visits": "visit", "clinic": "treat"}
"""The inboxes whose runs keep their order, and the job of these runs."""
_TRIGGERS_AND_JOBS = """
triggers:
  record: {inbox: plain, inclusion: {}}
  anything: {inbox: plain, inclusion: [{id: r1}, {bad: notify}, {}]}
  single: {inbox: once, inclusion: {}}
  pulled: {inbox: pulls, inclusion: {}}
  visited: {inbox: visits, inclusion: {}, order_by: case}
  tested: {inbox: results, inclusion: {}}
  secret: {inbox: secret, inclusion: {}}
  private: {inbox: private, inclusion: {}}
  treated: {inbox: clinic, inclusion: {}, order_by: case}
  registered: {success: register}
  confided: {success: confide}
  cured: {success: treat}
  notified: {success: notify}
  unnotified: {failure: notify}
  tallied: {success: tally}
  hourly: {cron: "0 * * * *"}
credentials:
  registry: {adaptor: http}
  unreliable: {adaptor: http}
jobs:
  register: {trigger: record, credential: registry, expression: jobs/register.py}
  notify: {trigger: record, credential: registry, expression: jobs/notify.py}
  follow: {trigger: registered, credential: registry, expression: jobs/follow.py}
  catch: {trigger: unnotified, credential: registry, expression: jobs/catch.py}
  tally:
    trigger: [record, anything, registered]
    credential: registry
    expression: jobs/tally.py
  total: {trigger: tallied, credential: registry, expression: jobs/total.py}
  judge: {trigger: [notified, unnotified], credential: registry, expression: jobs/judge.py}
  archive: {trigger: single, credential: registry, expression: jobs/archive.py}
  whisper: {trigger: secret, credential: registry, expression: jobs/whisper.py}
  confide: {trigger: private, credential: registry, expression: jobs/confide.py}
  assist: {trigger: private, credential: registry, expression: jobs/assist.py}
  settle: {trigger: [private, confided], credential: registry, expression: jobs/settle.py}
  thank: {trigger: confided, credential: registry, expression: jobs/thank.py}
  visit: {trigger: visited, credential: unreliable, expression: jobs/visit.py}
  treat: {trigger: treated, credential: unreliable, expression: jobs/treat.py}
  bill: {trigger: cured, credential: registry, expression: jobs/bill.py}
  report-a: {trigger: tested, credential: unreliable, expression: jobs/report-a.py}
  report-b: {trigger: tested, credential: unreliable, expression: jobs/report-b.py}
  report-c: {trigger: tested, credential: unreliable, expression: jobs/report-c.py}
  report-d: {trigger: tested, credential: unreliable, expression: jobs/report-d.py}
  report-e: {trigger: tested, credential: unreliable, expression: jobs/report-e.py}
  pull: {trigger: hourly, expression: jobs/pull.py}
  store: {trigger: pulled, credential: registry, expression: jobs/store.py}
"""
# The record's id in the path is the idempotency key. A state names the run that it comes from, so
# the path of a job with several runs for one message shows which of them delivered.
DELIVER = """
from adaptors.common import fn
from adaptors.http import put

def check(state):
    print("the record", state["data"]["id"])
    if state["data"].get("bad") == "{job}":
        raise ValueError("bad: " + state["data"].get("secret", ""))
    return state

fn(check)
def run(state):
    return "@".join(["{job}", *({upstream})])

put(lambda state: run(state) + "/" + state["data"]["id"], {{"as": "{job}"}})
fn(lambda state: {{**state, "data": state["references"][0], "run": run(state)}})
"""
PULL = """
from adaptors.common import each, emit

def rows(state):
    return [{"id": state["scheduled"] + "-" + n} for n in "ab"]

each(rows, emit("pulls"))
"""
EMIT = """
from adaptors.common import emit

emit("pulls", lambda state: {"id": state["data"]["id"] + "-emitted"})
"""
_REPORTING = tuple(f"report-{letter}" for letter in "abcde")
UNRELIABLE = {*ORDERED.values(), *_REPORTING}
"""The jobs whose destination can be down."""
EMITTING = ("confide", "treat")
DELIVERING = (
    *("register", "notify", "follow", "catch", "archive", "whisper", "confide", "assist"),
    *("tally", "total", "judge", "settle"),
    *("thank", "visit", "treat", "bill", "store", *_REPORTING),
)
# A failed run leaves no state, so `judge` cannot read there what it follows.
_UPSTREAM = dict.fromkeys(("tally", "total", "settle"), '[state["run"]] if "run" in state else []')
_UPSTREAM["judge"] = '["notify"]'
JOBS = {
    job: DELIVER.format(job=job, upstream=_UPSTREAM.get(job, []))
    + (EMIT if job in EMITTING else "")
    for job in DELIVERING
} | {"pull": PULL}
_JOBS_OF = {
    "once": ["archive"],
    "secret": ["whisper"],
    "private": ["confide", "assist", "thank", "settle", "settle@confide"],
    "visits": ["visit"],
    "results": list(_REPORTING),
    "clinic": ["treat", "bill"],
}


def write(folder):
    """Write the project into a folder."""
    (folder / "jobs").mkdir()
    inboxes = "".join(
        f'  {name}: {{id_sha256: "{number:064}"{options and ", " + options}}}\n'
        for number, (name, options) in enumerate(_INBOXES.items(), 1)
    )
    text = f"name: test\ninboxes:\n{inboxes}{_TRIGGERS_AND_JOBS}"
    (folder / "project.yaml").write_text(text, "utf-8")
    for job, code in JOBS.items():
        (folder / f"jobs/{job}.py").write_text(code, "utf-8")


def runs_of(inbox, message_id, record):
    """Return the expected final statuses of a message's runs, by run id."""
    bad = record.get("bad")
    if inbox == "plain":
        jobs = ["register", "notify", "catch" if bad == "notify" else None]
        jobs += ["tally", "total@tally", "judge@notify"]
        if bad != "register":
            jobs += ["follow", "tally@register", "total@tally@register"]
    else:
        jobs = _JOBS_OF[inbox]
    return {f"{message_id}#{job}": "failed" if job == bad else "succeeded" for job in jobs if job}


def deliveries_of(runs, record):
    """Return the paths to which the runs of a record deliver it."""
    jobs = [run_id.partition("#")[2] for run_id, status in runs.items() if status == "succeeded"]
    emitted = {f"/store/{record['id']}-emitted" for job in jobs if job in EMITTING}
    return {f"/{job}/{record['id']}" for job in jobs} | emitted


def deliveries_of_pulls(minutes):
    """Return the paths to which the records pulled in some minutes are delivered."""
    return {f"/store/{minute}-{row}" for minute in minutes for row in "ab"}
