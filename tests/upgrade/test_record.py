"""Every record contains all situations that can exist between two steps of the work."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.upgrade import snapshot

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/situations.json"))
_MOST_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class Record:
    """The items and queues of a record."""

    items: list[dict]
    queues: dict[str, list[dict]]

    def has(self, *names, queued=None, **values):
        """Return whether an item has these attributes and values, on a queue or not."""
        return any(
            item.keys() >= {*names}
            and all(str(item.get(name)) == value for name, value in values.items())
            and (queued is None or queued == self.is_queued(item["sk"]))
            for item in self.items
        )

    def is_queued(self, identifier):
        """Return whether a message or run is on one of the two queues."""
        return identifier in {
            next(iter(json.loads(message["body"]).values()))
            for name in ("match", "run")
            for message in self.queues[name]
        }

    def has_beside(self, ending, **values):
        """Return whether an item with these values has a sibling whose key has this ending."""
        keys = {item["sk"] for item in self.items}
        return any(
            f"{item['sk']}{ending}" in keys
            for item in self.items
            if all(item.get(name) == value for name, value in values.items())
        )

    def orders(self):
        """Return the number of runs in each group of the run queue."""
        groups = [message["group"] for message in self.queues["run"]]
        return {group: groups.count(group) for group in groups}

    def emitted(self, job):
        """Return the messages in the table that runs of a job have emitted."""
        return [item for item in self.items if item.get("emitted_by", "").endswith(f"#{job}")]


SITUATIONS = {
    "message marked unqueued": lambda r: r.has("inbox", attention="unqueued", queued=False),
    "message queued": lambda r: r.has("inbox", queued=True),
    "message on no queue": lambda r: any(
        "inbox" in item and not {"attention", "unreadable", "emitted_by"} & item.keys()
        for item in r.items
        if not any(i["sk"].startswith(f"{item['sk']}#") for i in r.items)
        and not r.is_queued(item["sk"])
    ),
    "unreadable message": lambda r: r.has("inbox", "unreadable"),
    "unmatched message": lambda r: r.has(status="unmatched"),
    "emitted message": lambda r: r.has("emitted_by", "depth", "inbox"),
    "run queued": lambda r: r.has(status="queued", attempt="0", queued=True),
    "run marked unqueued": lambda r: r.has(
        status="queued", attempt="0", attention="run unqueued", queued=False
    ),
    "following run queued": lambda r: r.has("upstream", status="queued", kind="success"),
    "following run not queued": lambda r: r.has("upstream", status="queued", queued=False),
    "following run not created": lambda r: any(
        item.get("job") == "register" and item["status"] == "succeeded" and r.is_queued(item["sk"])
        for item in r.items
    ),
    "emitted messages not published": lambda r: any(
        item.get("job") == "split" and r.is_queued(item["sk"]) for item in r.items
    ),
    "waiting run": lambda r: r.has("due", status="waiting", attention="waiting", queued=False),
    "attempt beside a waiting run": lambda r: r.has_beside("#0001", status="waiting"),
    "resumed at a later operation": lambda r: any(
        json.loads(item["resume_at"])[0] > 2
        for item in r.items
        if item.get("status") == "waiting" and "resume_at" in item
    ),
    "emitted before it waits": lambda r: r.has("emitted", "resume_at", status="waiting"),
    "ordered run that waits on the queue": lambda r: r.has("order", status="waiting", queued=True),
    "ordered runs behind each other": lambda r: max(r.orders().values()) > 2,
    "ordered message on the match queue": lambda r: any(
        message["group"] == "cases" for message in r.queues["match"]
    ),
    "runs in a slot of a credential": lambda r: r.orders().get("ledger/0", 0) > 1,
    "open circuit": lambda r: r.has("until", "wait", "failures", sk="circuit", state="open"),
    "run behind an open circuit": lambda r: r.has(status="waiting", attention="circuit clinic"),
    "ordered run behind an open circuit": lambda r: r.has(
        "before", "order", status="waiting", job="refer", queued=True
    ),
    "run whose runner died": lambda r: r.has("lease", "claim", status="running"),
    "clock, its last tick half done": lambda r: (
        r.has("minute", "triggers", pk="clock", sk="tick", minute="2026-03-09T09:56:00+00:00")
        and r.has(sk="019cd208-3840-7000-8000-000000000000#sync")  # of 09:58
    ),
    "state of a job on the clock": lambda r: r.has("state", "turn", "run_id", pk="job#pull"),
    "compressed state of a job on the clock": lambda r: r.has("state_zlib", pk="job#sync"),
    "dedupe mark": lambda r: r.has("message_id", sk="once"),
    "failed run": lambda r: r.has("error", "resume_at", status="failed", attention="failed"),
    "failed run of the clock": lambda r: r.has(
        "initial_zlib", "left_by", kind="cron", status="failed", attention="failed"
    ),
    "replay queued": lambda r: r.has("before", "error", status="queued", queued=True),
    "replay not queued": lambda r: r.has(
        "before", "error", status="queued", attention="run unqueued", queued=False
    ),
    "attempt beside a replayed run": lambda r: r.has_beside("#0001", status="queued"),
    "large body": lambda r: r.has("body_object"),
    "compressed body": lambda r: r.has("body_zlib"),
    "plain body": lambda r: r.has("body"),
    "large state": lambda r: r.has("final_object", status="succeeded"),
    "large state to resume from": lambda r: r.has("resume_object", "resume_at", status="waiting"),
    "compressed state": lambda r: r.has("final_zlib"),
    "plain state": lambda r: r.has("final"),
    "log": lambda r: r.has("log") and r.has("log_zlib"),
    "erased message with a run outstanding": lambda r: r.has("erase", status="waiting"),
    "erased message with a run that succeeded": lambda r: r.has("erase", status="succeeded"),
    "message in the dead-letter queue": lambda r: len(r.queues["match dead letters"]) == 1,
    "run in the dead-letter queue": lambda r: len(r.queues["run dead letters"]) == 1,
}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_record_holds_every_situation(folder):
    content = snapshot.read(folder)
    items = [snapshot.plain(item) for item in content["table"]]
    record = Record(items, content["queues"])
    assert [name for name, is_held in SITUATIONS.items() if not is_held(record)] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_record_holds_the_trigger_kinds_that_start_a_run(folder):
    items = [snapshot.plain(item) for item in snapshot.read(folder)["table"]]
    kinds = {item["kind"] for item in items if "kind" in item}
    assert kinds == {"message", "cron", "success", "failure"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_record_is_small_and_names_no_folder_of_a_machine(folder):
    texts = [path.read_text("utf-8") for path in folder.iterdir()]
    assert sum(map(len, texts)) < _MOST_BYTES
    texts += map(_readable, snapshot.read(folder)["table"])
    assert [path for text in texts for path in re.findall(r"/(?:tmp|home|work)/\S*", text)] == []


def _readable(item):
    contents = [content for typed in snapshot.decoded(item).values() for content in typed.values()]
    compressed = [name.endswith("_zlib") for name in item]
    return "\n".join(
        str(zlib.decompress(content) if is_compressed else content)
        for content, is_compressed in zip(contents, compressed, strict=True)
    )
