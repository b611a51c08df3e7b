"""How much a tick does in its time: items it reconciles, and runs it releases.

    python -m benchmarks.tick

The calls for one piece of work are counted in the embedded stack. How long a call takes in Lambda
cannot be measured here and is assumed (`MILLISECONDS`). `docs/scale.md` shows this output.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from openfn import ids
from openfn.messages import late_queueing
from openfn.runs import circuit_breaker, dispatch, reconciliation
from openfn.runs.model import Plan, RunStatus
from openfn.runs.reconciliation import Position
from openfn.storage import attention, table
from openfn.storage.attention import Attention
from openfn.time_budget import TimeBudget
from tests.support.call_hooks import hook_aws_call
from workbench.local.stack import create_stack

# Of one call from Lambda in the same region, with the function's own processor time.
MILLISECONDS = {
    "Query": 60,  # a page of up to 500 items
    "BatchGetItem": 25,  # up to 100 items
    "UpdateItem": 8,
    "SendMessageBatch": 15,
    "GetQueueAttributes": 8,
}
SHARE, ALL = 10, 50
"""Seconds of a tick for one of its five parts: if all have a backlog, and if no other has one."""
MESSAGES, RUNS = reconciliation.PAGE_ITEMS // 2, dispatch.PAGE_RUNS
JOB = "from adaptors.common import fn\n\nfn(lambda state: state)\n"
PROJECT = f"""
name: tick
inboxes: {{inbox: {{id_sha256: "{"0" * 64}"}}}}
triggers: {{all: {{inclusion: {{}}}}}}
credentials: {{registry: {{adaptor: http}}}}
jobs: {{deliver: {{trigger: all, credential: registry, expression: jobs/deliver.py}}}}
"""


@dataclass(frozen=True, slots=True)
class Work:
    """The calls for a number of messages or runs."""

    name: str
    count: int
    calls: Counter[str]

    @property
    def per_second(self) -> float:
        """How many a tick handles in a second of its time, with the assumed durations."""
        return self.count / sum(MILLISECONDS[name] * n for name, n in self.calls.items()) * 1000


def measure() -> list[Work]:
    """Count the calls of the three parts that can have a large backlog."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs").mkdir()
        (Path(folder) / "jobs/deliver.py").write_text(JOB, "utf-8")
        (Path(folder) / "project.yaml").write_text(PROJECT, "utf-8")
        with create_stack(Path(folder)):
            return [_reconcile(), _release(), _queue_late()]


def table_of(works: list[Work]) -> list[str]:
    """Return a Markdown table of what a tick does in a share of its time, and in all of it."""
    rows = [["part", "a second", f"a tick, in {SHARE} s", f"a tick, in {ALL} s"], ["---"] * 4]
    for work in works:
        amounts = [work.per_second * seconds for seconds in (1, SHARE, ALL)]
        rows.append([work.name, *[f"{float(f'{amount:.2g}'):,.0f}" for amount in amounts]])
    return [f"| {' | '.join(row)} |" for row in rows]


def _reconcile() -> Work:
    until = datetime(2026, 3, 9, 12, tzinfo=UTC)
    for start in range(0, MESSAGES, 50):
        times = [until - timedelta(seconds=number + 1) for number in range(start, start + 50)]
        table.put_groups([_message_and_run(when) for when in times])
    with _counted() as calls:
        position: Position | None = None
        since = ids.minute_id(until - timedelta(minutes=11))
        for piece in reconciliation.read(Position(since, until)):
            reconciliation.record(position, piece.position)
            position = piece.position
    # All messages are in one shard. Behind its full page, and in the other shards, is an empty one.
    calls["Query"] -= len(ids.SHARDS)
    calls["UpdateItem"] -= 1  # the end of the pass
    return Work("messages with one run that are checked", MESSAGES, calls)


def _message_and_run(when: datetime) -> list[dict[str, Any]]:
    message_id = ids.new_message_id()
    prefix = f"{int(when.timestamp() * 1000):012x}"
    message_id = f"{prefix[:8]}-{prefix[8:]}{message_id[13:-1]}0"
    run = {"status": RunStatus.SUCCEEDED, "job": "deliver", "trigger": "all", "kind": "message"}
    message = {"inbox": "inbox", "body": b"x" * 400, "expires": 2**31}
    run_key = ids.key_of(ids.run_id(message_id, "deliver"))
    return [{**ids.key_of(message_id), **message}, {**run_key, **run, "expires": 2**31}]


def _release() -> Work:
    kind = attention.behind_circuit("registry")
    run = {"status": RunStatus.WAITING, "job": "deliver", "trigger": "all", "kind": "message"}
    plans = [Plan(ids.new_message_id(), "deliver", "all") for _ in range(RUNS)]
    table.put_groups([[_parked(plan, run, kind)] for plan in plans])
    changes = {"state": "closing", "until": 2**31, **attention.mark(Attention.CIRCUIT, 1.0)}
    table.update({"pk": "credential#registry", "sk": "circuit"}, changes)
    circuit_breaker.clear_cache()
    with _counted() as calls:
        dispatch.release(time.time(), TimeBudget.from_seconds(3600))
    calls["Query"] -= 1  # the empty page behind a full one
    return Work("waiting runs that are released", RUNS, calls)


def _queue_late() -> Work:
    message_ids = [ids.new_message_id() for _ in range(RUNS)]
    marks = [attention.mark(Attention.UNQUEUED, f"#inbox#{key}") for key in message_ids]
    message = {"inbox": "inbox", "expires": 2**31}
    pairs = zip(message_ids, marks, strict=True)
    table.put_groups([[{**ids.key_of(key), **message, **mark}] for key, mark in pairs])
    with _counted() as calls:
        late_queueing.queue_late_messages(lambda _: None, TimeBudget.from_seconds(3600), 0)
    return Work("late messages that are queued", RUNS, calls)


def _parked(plan: Plan, run: dict[str, Any], kind: str) -> dict[str, Any]:
    marks = attention.mark(kind, plan.id)
    return {**ids.key_of(plan.id), **run, "attempt": 1, "expires": 2**31, **marks}


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    calls: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    with ExitStack() as hooks:
        for service in ("dynamodb", "sqs"):
            hooks.enter_context(hook_aws_call(f"before-call.{service}", count))
        yield calls


if __name__ == "__main__":
    measured = measure()
    print("\n".join(table_of(measured)))
    for work in measured:
        print(f"{work.name}: {work.count:,}, {dict(work.calls)}")
