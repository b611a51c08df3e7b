"""Post a burst of messages while the destination answers 503 half of the time.

    python -m benchmarks.burst [POSTS]

Twenty clients post to the embedded stack at the same time and retry every post that is not answered
with 200. Then the clock advances minute by minute until every run has ended. The exit status is 1
unless each accepted message was delivered exactly once. The destination rejects a record at most
ten times, so twelve attempts are always enough.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path

import requests
import time_machine
from werkzeug.wrappers import Request, Response

from openfn.log_events import LogEvent
from workbench.local import event_source, http_server
from workbench.local.log_view import parse_log_line
from workbench.local.stack import create_stack

CLIENTS = 20
# moto copies its whole table for each transaction, so each part of a burst has its own stack.
PER_STACK = 100
MAX_REJECTIONS = 10
MAX_MINUTES = 12 * 60
PROJECT = f"""
name: burst
inboxes: {{posts: {{id_sha256: "{"0" * 64}"}}}}
triggers: {{all: {{inclusion: {{}}}}}}
credentials: {{destination: {{adaptor: http}}}}
jobs:
  deliver:
    trigger: all
    credential: destination
    expression: jobs/deliver.py
    retry: {{attempts: 12}}
"""
DELIVER = """
from adaptors.common import data_value
from adaptors.http import put

put(lambda state: f"records/{state['data']['id']}", {"id": data_value("id")})
"""


@dataclass(slots=True)
class Burst:
    """The counters of one part of the burst."""

    figures: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str) -> None:
        """Add one to a counter."""
        with self._lock:
            self.figures[name] += 1

    def respond(self, request: Request) -> Response:
        """Accept a delivery, or answer 503 half of the time."""
        with self._lock:
            reject = random.random() < 0.5 and self.rejected[request.path] < MAX_REJECTIONS
            (self.rejected if reject else self.delivered)[request.path] += 1
        status = HTTPStatus.SERVICE_UNAVAILABLE if reject else HTTPStatus.CREATED
        return Response("{}", status, content_type="application/json")

    def read_log_line(self, _function: str, line: str) -> None:
        """Count a run that has ended."""
        message = (parse_log_line(line) or {}).get("message", "")
        if message in (LogEvent.RUN_SUCCEEDED, LogEvent.RUN_FAILED):
            self.count(message)

    def post(self, url: str, number: int) -> None:
        """Post a message until it is accepted, as a source does."""
        while requests.post(url, json={"id": number}, timeout=30).status_code != HTTPStatus.OK:
            self.count("retried posts")
        self.count("accepted")

    @property
    def is_over(self) -> bool:
        """Return whether every run has ended."""
        ended = self.figures[LogEvent.RUN_SUCCEEDED] + self.figures[LogEvent.RUN_FAILED]
        return ended >= self.figures["accepted"]


def main() -> int:
    """Run the burst and print its figures; return 1 if a message was lost or doubled."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    parts = [range(start, min(start + PER_STACK, count)) for start in range(0, count, PER_STACK)]
    start_time = time.perf_counter()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        figures = sum(pool.map(_run_part, parts), Counter[str]())
    seconds = time.perf_counter() - start_time
    posting = figures["milliseconds of posting"] / 1000
    print(f"{figures['accepted']:>7,} messages accepted from {CLIENTS} concurrent clients")
    print(f"{figures['retried posts']:>7,} posts retried until they were accepted")
    print(f"{figures['accepted'] / posting:>7,.0f} messages accepted per second and stack")
    print(f"{figures['rejected']:>7,} deliveries rejected with 503")
    print(f"{figures['delivered']:>7,} records delivered, {figures['duplicates']} duplicates")
    print(f"{figures['run failed']:>7,} runs failed permanently")
    print(f"{figures['minutes'] / len(parts):>7,.0f} simulated minutes until all runs had ended")
    print(f"{seconds:>7,.0f} s elapsed, {figures['delivered'] / seconds:.0f} records per second")
    complete = figures["delivered"] == figures["accepted"] == count
    return 0 if complete and not figures["duplicates"] else 1


def _run_part(numbers: range) -> Counter[str]:
    burst = Burst()
    with ExitStack() as context:
        folder = Path(context.enter_context(tempfile.TemporaryDirectory()))
        (folder / "project.yaml").write_text(PROJECT, "utf-8")
        (folder / "jobs").mkdir()
        (folder / "jobs/deliver.py").write_text(DELIVER, "utf-8")
        clock = context.enter_context(time_machine.travel(datetime.now(UTC), tick=True))
        destination_url = context.enter_context(http_server.serve(burst.respond))
        embedded = context.enter_context(create_stack(folder, burst.read_log_line))
        embedded.set_credential("destination", {"baseUrl": destination_url})
        with (
            embedded.serving() as urls,
            event_source.run_pollers(embedded.resources.mappings, embedded.invoke),
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            start_time = time.perf_counter()
            list(pool.map(partial(burst.post, urls["posts"]), numbers))
            posting = time.perf_counter() - start_time
        embedded.drain()
        while not burst.is_over and burst.figures["minutes"] < MAX_MINUTES:
            clock.shift(60)
            burst.count("minutes")
            embedded.tick()
            embedded.drain()
    delivered = len(burst.delivered)
    return burst.figures + Counter(
        {
            "milliseconds of posting": round(posting * 1000),
            "rejected": burst.rejected.total(),
            "delivered": delivered,
            "duplicates": burst.delivered.total() - delivered,
        }
    )


if __name__ == "__main__":
    sys.exit(main())
