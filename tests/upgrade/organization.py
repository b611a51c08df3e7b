"""The organization whose stored data is recorded: its inboxes, triggers and jobs.

Every delivery is a PUT. Its path names the record and whatever the job read from its state, so
the paths that a destination receives show what was delivered and from which data.
"""

from __future__ import annotations

import base64
import hashlib

# Larger than an item of the table, also when it is compressed.
PHOTO = base64.b64encode(hashlib.shake_256(b"photo").digest(360_000)).decode()
CREDENTIALS = ("registry", "clinic", "ledger")
_INBOXES = {
    "plain": "",
    "once": ", dedupe: id",
    "pulls": ", dedupe: id",
    "cases": "",
    "referrals": "",
    "private": ", keep: none",
}
_TRIGGERS = """
triggers:
  record: {inbox: plain, inclusion: {kind: record}}
  registered: {success: register}
  unregistered: {failure: register}
  steps: {inbox: plain, inclusion: {kind: steps}}
  split: {inbox: plain, inclusion: {kind: split}}
  album: {inbox: plain, inclusion: {kind: album}}
  album-done: {success: album}
  book: {inbox: plain, inclusion: {kind: book}}
  clinic: {inbox: plain, inclusion: {kind: clinic}}
  referral: {inbox: referrals, inclusion: {}, order_by: case}
  visit: {inbox: cases, inclusion: {}, order_by: case}
  archive: {inbox: once, inclusion: {}}
  pulled: {inbox: pulls, inclusion: {}}
  private: {inbox: private, inclusion: {}}
  morning: {cron: "0 9,10 * * *"}
  before-ten: {cron: "0,58 9 * * *"}
  unsynced: {failure: sync}
credentials:
  registry: {adaptor: http}
  clinic: {adaptor: http}
  ledger: {adaptor: http, max_concurrency: 1}
jobs:
  register: {trigger: record, credential: registry, expression: jobs/register.py}
  follow: {trigger: registered, credential: registry, expression: jobs/follow.py}
  catch: {trigger: unregistered, credential: registry, expression: jobs/catch.py}
  steps: {trigger: steps, credential: registry, expression: jobs/steps.py}
  split: {trigger: split, expression: jobs/split.py}
  album: {trigger: album, credential: registry, expression: jobs/album.py}
  thank: {trigger: album-done, credential: registry, expression: jobs/thank.py}
  book: {trigger: book, credential: ledger, expression: jobs/book.py}
  treat: {trigger: clinic, credential: clinic, expression: jobs/treat.py}
  refer: {trigger: referral, credential: clinic, expression: jobs/refer.py}
  visit: {trigger: visit, credential: registry, expression: jobs/visit.py}
  archive: {trigger: archive, credential: registry, expression: jobs/archive.py}
  store: {trigger: pulled, credential: registry, expression: jobs/store.py}
  confide: {trigger: private, credential: registry, expression: jobs/confide.py}
  whisper: {trigger: private, credential: registry, expression: jobs/whisper.py}
  pull: {trigger: morning, expression: jobs/pull.py}
  sync: {trigger: before-ten, credential: registry, expression: jobs/sync.py}
  report: {trigger: unsynced, credential: registry, expression: jobs/report.py}
"""
_DELIVER = """
from adaptors.http import put

put(lambda state: f"{path}", {{"from": "{job}"}})
"""
_PATHS = {
    "follow": "follow/{state['data']['id']}/{state['checked']}",
    "catch": "catch/{state['data']['id']}/{state['error']['operation']}",
    "thank": "thank/{state['data']['id']}/{len(state['data']['photo'])}",
    "book": "book/{state['data']['id']}",
    "treat": "treat/{state['data']['id']}",
    "refer": "refer/{state['data']['case']}/{state['data']['number']}",
    "visit": "visit/{state['data']['case']}/{state['data']['number']}",
    "archive": "archive/{state['data']['id']}",
    "store": "store/{state['data']['id']}",
    "confide": "confide/{state['data']['id']}/{len(state['data']['photo'])}",
    "whisper": "whisper/{state['data']['id']}",
    "report": "report/{state['count']}/{state['scheduled']}",
}
_JOBS = {
    "register": """
from adaptors.common import fn, log
from adaptors.http import put


def check(state):
    if state["data"].get("broken"):
        raise ValueError("the record is broken")
    return {**state, "checked": "checked"}


fn(check)
log("checked", lambda state: state["data"]["id"])
put(lambda state: f"register/{state['data']['id']}", {"from": "register"})
fn(lambda state: {**state, "data": state["references"][0]})
""",
    "steps": """
from adaptors.common import emit, fn
from adaptors.http import put

fn(lambda state: {**state, "record": state["data"]["id"]})
put(lambda state: f"first/{state['record']}", {"from": "steps"})
emit("pulls", {"id": lambda state: f"emitted-by-{state['record']}"})
put(lambda state: f"second/{state['record']}", {"from": "steps"})
put(lambda state: f"third/{state['record']}", {"from": "steps"})
""",
    "split": """
from adaptors.common import data_value, each, emit

each("parts", emit("pulls", {"id": data_value("id")}))
""",
    "album": """
from adaptors.common import fn
from adaptors.http import put


def size(state):
    return len(state["references"][-1]["photo"])


put(lambda state: f"album/{state['data']['id']}/{len(state['data']['photo'])}", {"from": "album"})
put(lambda state: f"gallery/{state['references'][-1]['id']}/{size(state)}", {"from": "album"})
fn(lambda state: {**state, "data": state["references"][-1]})
""",
    "pull": """
from adaptors.common import emit, fn

fn(lambda state: {**state, "count": state.get("count", 0) + 1})
emit("pulls", {"id": lambda state: f"pull-{state['count']}"})
""",
    "sync": """
from adaptors.common import fn
from adaptors.http import put

fn(lambda state: {**state, "count": state.get("count", 0) + 1})
put(lambda state: f"sync/{state['count']}", {"from": "sync"})
""",
}


def inbox_id(name):
    """Return the secret id of an inbox."""
    return f"{name}-inbox-id"


def source():
    """Return the files of the project's source by path."""
    jobs = {name: _DELIVER.format(path=path, job=name) for name, path in _PATHS.items()} | _JOBS
    files = {f"jobs/{name}.py": code.lstrip("\n") for name, code in jobs.items()}
    return {"project.yaml": f"name: upgrade\ninboxes:\n{_inboxes()}{_TRIGGERS.lstrip()}"} | files


def _inboxes():
    lines = (
        f"  {name}: {{id_sha256: {hashlib.sha256(inbox_id(name).encode()).hexdigest()}{options}}}\n"
        for name, options in _INBOXES.items()
    )
    return "".join(lines)
