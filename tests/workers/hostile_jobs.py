"""Ten hostile jobs, and how to execute them in one batch."""

from __future__ import annotations

import time
from dataclasses import replace

from openfn import ids
from openfn.history import details
from openfn.runs import store as runs
from openfn.runs.model import Plan
from tests.conftest import post
from tests.support.sqs import failed_ids, sqs_event

HOSTILE = {
    "fine": "pass",
    "exits": "os._exit(3)",
    "crashes": "ctypes.string_at(0)",
    "loops": "while True: pass",
    "ignores": "signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(10_000)",
    "allocates": "data = b'x' * (4 << 30)",
    "forks": "while True: os.fork()",
    "prints": "[os.write(1, b'x' * 1_000_000) for _ in range(500)]",
    "interrupts": "raise KeyboardInterrupt",
    "patches": "json.dumps = lambda *_, **__: 'patched'",
}
CODE = """
import ctypes, json, os, signal, time
from adaptors.common import fn

def hostile(state):
    {}
    return state

fn(hostile)
"""
SECONDS = 4


PROJECT = "triggers: {all: {inclusion: {}}}\njobs:\n" + "".join(
    f"  {name}: {{trigger: all, expression: jobs/{name}.py}}\n" for name in HOSTILE
)
JOBS = {name: CODE.format(code) for name, code in HOSTILE.items()}


def hurried(stack):
    """Return the runner's function with little time, so that jobs that hang end soon."""
    return replace(stack.resources.functions["runner"], timeout_seconds=SECONDS + 5)


def execute(stack, names, invoke):
    """Execute one batch with a run of each job; return what is recorded of the runs."""
    message_id = post(stack, '{"name": "Amina"}')["headers"]["X-Message-Id"]
    runs.create([Plan(message_id, name, "all") for name in names], "version")
    run_ids = [ids.run_id(message_id, name) for name in names]
    began = time.monotonic()
    assert failed_ids(invoke(sqs_event("run_id", *run_ids))) == []
    records = {}
    for name, run_id in zip(names, run_ids, strict=True):
        run = details.run(run_id)
        fields = {"status": run.status, "error": run.error, "duration_ms": run.duration_ms}
        records[name] = fields | {"attempt": run.attempt, "log": run.log, "final": run.final}
    return records | {"seconds": time.monotonic() - began}


def shortened(batch):
    """Return the records of a batch with the length of their logs, and the beginning of each."""
    batch["log_bytes"] = {name: len(r["log"]) for name, r in batch.items() if name in HOSTILE}
    for name in HOSTILE.keys() & batch.keys():
        batch[name]["log"] = batch[name]["log"][:200]
    return batch
