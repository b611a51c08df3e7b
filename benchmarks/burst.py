"""A burst of posts over HTTP while the destination answers 503 half of the time.

    python -m benchmarks.burst [POSTS]

Twenty clients post at once to the embedded stack, and send again what is not answered with 200;
then time is moved on, minute by minute, until every run has ended. All that was accepted must be
delivered, and be there once at a destination that knows a record by its key: the exit status is 1
when it is not. The destination refuses no record more than ten times, so that twelve attempts do.
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

from workbench.local import event_source, http_server, stack
from workbench.local.log_view import parsed

CLIENTS = 20
# moto copies its whole table for each transaction: a burst comes in parts, each with its own stack.
PER_STACK = 100
MOST_REFUSALS = 10
MOST_MINUTES = 12 * 60
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
    """What has happened in one part so far."""

    figures: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        """Count one more of something."""
        with self._lock:
            self.figures[what] += 1

    def answer(self, request: Request) -> Response:
        """Answer a delivery: 503 half of the time."""
        with self._lock:
            refuse = random.random() < 0.5 and self.refused[request.path] < MOST_REFUSALS
            (self.refused if refuse else self.taken)[request.path] += 1
        status = HTTPStatus.SERVICE_UNAVAILABLE if refuse else HTTPStatus.CREATED
        return Response("{}", status, content_type="application/json")

    def tell(self, _function: str, line: str) -> None:
        """Count how runs end."""
        message = (parsed(line) or {}).get("message", "")
        if message in ("run succeeded", "run failed"):
            self.count(message)

    def post(self, url: str, number: int) -> None:
        """Post as a source does, until the message is accepted."""
        while requests.post(url, json={"id": number}, timeout=30).status_code != HTTPStatus.OK:
            self.count("sent again")
        self.count("accepted")

    @property
    def over(self) -> bool:
        """Whether every run has ended."""
        ended = self.figures["run succeeded"] + self.figures["run failed"]
        return ended >= self.figures["accepted"]


def main() -> int:
    """Post, wait until all is over, and print what came of it; 1 if anything was lost."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    parts = [range(start, min(start + PER_STACK, count)) for start in range(0, count, PER_STACK)]
    began = time.perf_counter()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        figures = sum(pool.map(_part, parts), Counter[str]())
    seconds = time.perf_counter() - began
    posting = figures["milliseconds of posting"] / 1000
    print(f"{figures['accepted']:>7,} accepted from {CLIENTS} clients at once")
    print(f"{figures['sent again']:>7,} posts sent again until they were accepted")
    print(f"{figures['accepted'] / posting:>7,.0f} accepted a second by a stack, while runs ran")
    print(f"{figures['refused']:>7,} deliveries refused with 503")
    print(f"{figures['delivered']:>7,} records delivered, {figures['doubled']} of them twice")
    print(f"{figures['run failed']:>7,} runs failed for good")
    print(f"{figures['minutes'] / len(parts):>7,.0f} minutes of the clock until all had ended")
    print(f"{seconds:>7,.0f} s here, {figures['delivered'] / seconds:.0f} records a second")
    good = figures["delivered"] == figures["accepted"] == count and not figures["doubled"]
    return 0 if good else 1


def _part(numbers: range) -> Counter[str]:
    burst = Burst()
    with ExitStack() as context:
        folder = Path(context.enter_context(tempfile.TemporaryDirectory()))
        (folder / "project.yaml").write_text(PROJECT, "utf-8")
        (folder / "jobs").mkdir()
        (folder / "jobs/deliver.py").write_text(DELIVER, "utf-8")
        clock = context.enter_context(time_machine.travel(datetime.now(UTC), tick=True))
        sink = context.enter_context(http_server.serving(burst.answer))
        made = context.enter_context(stack.created(folder, burst.tell))
        made.set_credential("destination", {"baseUrl": sink})
        with (
            made.serving() as urls,
            event_source.polling(made.resources.mappings, made.invoke),
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            began = time.perf_counter()
            list(pool.map(partial(burst.post, urls["posts"]), numbers))
            posting = time.perf_counter() - began
        made.settle()
        while not burst.over and burst.figures["minutes"] < MOST_MINUTES:
            clock.shift(60)
            burst.count("minutes")
            made.tick()
            made.settle()
    delivered = len(burst.taken)
    return burst.figures + Counter(
        {
            "milliseconds of posting": round(posting * 1000),
            "refused": burst.refused.total(),
            "delivered": delivered,
            "doubled": burst.taken.total() - delivered,
        }
    )


if __name__ == "__main__":
    sys.exit(main())
