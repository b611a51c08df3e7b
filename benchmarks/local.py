"""Measure `ofn serve` on this machine.

    python -m benchmarks.local

The figures are the CPU time of the process tree of `ofn serve`, without the load generator and the
destination, for posts of 1 KB with one job; the delay from post to delivery at 20 posts a second;
a flood of 2,000 posts from 16 clients; an idle stack; and the same CPU time with 100,000 messages
stored, `dedupe` and two jobs.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import requests
from werkzeug.wrappers import Request, Response

from benchmarks.kill_local import free_port
from openfn.workers import process_tree
from workbench.local import http_server

MESSAGES, RATE, SECONDS, FLOOD, CLIENTS, STORED = 200, 20, 10, 2_000, 16, 100_000
IDLE_SECONDS = 20
PROJECT = """
name: local
inboxes: {{field: {{id_sha256: "{digest}"{dedupe}}}}}
triggers: {{all: {{inclusion: {{}}}}}}
credentials: {{destination: {{adaptor: http}}}}
jobs:
"""
JOB = "  job-{n}: {{trigger: all, credential: destination, expression: jobs/deliver.py}}\n"
DELIVER = """
from adaptors.common import data_value
from adaptors.http import post
post("records", {"id": data_value("_uuid")})
"""
COPY = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO items (pk, sk, item, bytes, expires)
SELECT pk || '-' || n % 16, sk || '-' || n, item, bytes, expires FROM numbers, (
    SELECT * FROM items WHERE sk NOT LIKE '%#%' AND length(sk) = 36 LIMIT 1
)
"""


@dataclass(slots=True)
class Destination:
    """The times at which records arrived, by id."""

    times: dict[str, float] = field(default_factory=dict)
    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, request: Request) -> Response:
        """Record a delivery."""
        record: Any = request.get_json()
        with self._lock:
            self.times[record["id"]] = time.perf_counter()
            self.count += 1
        return Response("{}", 201, content_type="application/json")

    def wait_for(self, count: int) -> None:
        """Wait for a number of deliveries, for two minutes."""
        deadline = time.monotonic() + 120
        while self.count < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.count} of {count} were delivered.")
            time.sleep(0.01)


@dataclass(slots=True)
class Server:
    """A running `ofn serve`."""

    process: subprocess.Popen[str]
    url: str
    destination: Destination
    started_in: float

    def post(self) -> tuple[str, float, float]:
        """Post 1 KB; return its id, when it was sent, and the seconds until the response."""
        identifier, sent = str(uuid.uuid4()), time.perf_counter()
        body = json.dumps({"_uuid": identifier, "notes": "x" * 950})
        headers = {"Content-Type": "application/json"}
        response = requests.post(self.url, data=body, headers=headers, timeout=60)
        response.raise_for_status()
        return identifier, sent, time.perf_counter() - sent

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process tree has used."""
        return _cpu_seconds(self.process.pid)


def main() -> int:
    """Print all figures."""
    with _serving(jobs=1, dedupe=False) as server:
        print(f"start to the first response {server.started_in:.2f} s")
        single = _cpu_per_message(server, jobs=1)
        print(f"CPU per message {single * 1000:.1f} ms")
        before = server.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        idle = (server.cpu_seconds() - before) / IDLE_SECONDS
        print(f"idle {idle * 100:.2f} % of a core")
        _print_delays(server)
        _print_flood(server)
    with _serving(jobs=2, dedupe=True) as server:
        few = _cpu_per_message(server, jobs=2)
    with _serving(jobs=2, dedupe=True, stored=STORED) as server:
        many = _cpu_per_message(server, jobs=2)
        print(f"two jobs and dedupe {few * 1000:.1f} ms, ", end="")
        print(f"with {STORED:,} messages stored {many * 1000:.1f} ms ({many / few:.2f} times)")
    return 0


def _cpu_per_message(server: Server, jobs: int) -> float:
    server.post()
    server.destination.wait_for(server.destination.count + jobs)
    time.sleep(0.5)
    before, delivered = server.cpu_seconds(), server.destination.count
    for _ in range(MESSAGES):
        server.post()
    server.destination.wait_for(delivered + MESSAGES * jobs)
    time.sleep(0.5)
    return (server.cpu_seconds() - before) / MESSAGES


def _print_delays(server: Server) -> None:
    sent = {}
    began = time.perf_counter()
    delivered = server.destination.count
    for number in range(RATE * SECONDS):
        time.sleep(max(0, began + number / RATE - time.perf_counter()))
        identifier, at, _ = server.post()
        sent[identifier] = at
    server.destination.wait_for(delivered + len(sent))
    delays = [(server.destination.times[name] - at) * 1000 for name, at in sent.items()]
    cuts = quantiles(delays, n=100)
    print(f"post to delivery at {RATE} a second: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")


def _print_flood(server: Server) -> None:
    delivered, began = server.destination.count, time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        slowest = max(seconds for *_, seconds in pool.map(lambda _: server.post(), range(FLOOD)))
    server.destination.wait_for(delivered + FLOOD)
    total = time.perf_counter() - began
    print(f"flood of {FLOOD:,}: slowest response {slowest:.2f} s, all delivered in {total:.0f} s")


@contextmanager
def _serving(*, jobs: int, dedupe: bool, stored: int = 0) -> Iterator[Server]:
    destination = Destination()
    with (
        tempfile.TemporaryDirectory(prefix="openfn-local-") as name,
        http_server.serve(destination.respond) as url,
    ):
        folder = Path(name)
        _write_project(folder, url, jobs=jobs, dedupe=dedupe)
        if stored:
            with _started(folder, destination) as server:
                server.post()
                destination.wait_for(jobs)
            with sqlite3.connect(folder / ".openfn/store.sqlite3") as connection:
                connection.execute(COPY, (stored,))
            destination.count = 0
        with _started(folder, destination) as server:
            yield server


@contextmanager
def _started(folder: Path, destination: Destination) -> Iterator[Server]:
    port, began = free_port(), time.perf_counter()
    program = Path(sys.executable).parent / "ofn"
    command = [program, "serve", "--port", str(port), "--project", "project"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        lines: Any = process.stdout
        url = next(line.split()[1] for line in lines if "/inbox/" in line)
        requests.get(url, timeout=60).raise_for_status()
        seconds = time.perf_counter() - began
        reader = threading.Thread(target=lambda: [None for _ in lines], daemon=True)
        reader.start()
        try:
            yield Server(process, url, destination, seconds)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _write_project(folder: Path, url: str, *, jobs: int, dedupe: bool) -> None:
    (folder / "project/jobs").mkdir(parents=True)
    (folder / "project/credentials").mkdir()
    text = PROJECT.format(digest="0" * 64, dedupe=", dedupe: _uuid" if dedupe else "")
    text += "".join(JOB.format(n=number) for number in range(jobs))
    (folder / "project/project.yaml").write_text(text, "utf-8")
    (folder / "project/jobs/deliver.py").write_text(DELIVER, "utf-8")
    credential = json.dumps({"baseUrl": url})
    (folder / "project/credentials/destination.json").write_text(credential, "utf-8")


def _cpu_seconds(root: int) -> float:
    ticks = 0
    for number in (root, *process_tree.descendants(root)):
        with suppress(OSError):  # it has ended
            content = Path(f"/proc/{number}/stat").read_text("utf-8")
            ticks += sum(map(int, content.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
