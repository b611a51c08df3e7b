"""Measure what a process for each run costs, and what several runs at once bring.

    python -m benchmarks.workers
    python -m benchmarks.workers --first PATH   # only compare with a checkout of the first release

The jobs of one stack are executed in worker processes and, in turn, in the runner's own process as
in the first release, so the ratio of both is meaningful on a busy machine too. CPU time is that of
the runner and its workers, without AWS calls. With `AWS_SECONDS`, each AWS call takes that long;
the store of this machine answers it. `docs/scale.md` shows this output.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from adaptors._runtime.job_runtime import AdaptorRuntime
from openfn import ids
from openfn.jobs.execution import InProcess
from openfn.jobs.runtime import Executor
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import services
from openfn.storage.services import Services
from openfn.workers import environment, executors, process_tree
from tests.conftest import post, write_project
from tests.support.sqs import failed_ids, sqs_event
from workbench.local.stack import Stack, create_stack

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, BURST, WARM = 3, 20, 3
AWS_SECONDS = 0.006
AT_ONCE = (1, 4, 10)
PROJECT = """
triggers: {all: {inclusion: {}}}
credentials: {destination: {adaptor: http}}
jobs:
  nothing: {trigger: all, credential: destination, expression: jobs/nothing.py}
  delivers: {trigger: all, credential: destination, expression: jobs/delivers.py}
"""
FIRST_PROJECT = """
triggers: {all: {inclusion: {}}}
credentials: {destination: {adaptor: http}}
jobs: {nothing: {trigger: all, credential: destination, expression: jobs/nothing.py}}
"""
JOBS = {
    "nothing": "from adaptors.common import fn\nfn(lambda state: state)\n",
    "delivers": 'from adaptors.http import post\npost("records", lambda state: state["data"])\n',
}
RECORD = {"name": "Amina", "age": 7, "village": "Kisumu", "visits": [1, 2, 3], "referred": None}
LARGE = {"visits": [{"id": n, "name": f"Amina {n}", "weight": n / 7} for n in range(18_000)]}


def main() -> None:
    """Print all figures, or compare with the first release."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=Path)
    if checkout := parser.parse_args().first:
        _compare_with_first(checkout)
    else:
        _print_all()


def _print_all() -> None:
    with _runner() as runner:
        print(f"{'':<52}{'in process':>12}{'workers':>12}")
        for name, job, record in (
            ("a job that does nothing", "nothing", RECORD),
            (f"the same with {len(json.dumps(LARGE)) / 1e6:.1f} MB", "nothing", LARGE),
            ("a POST of a small record", "delivers", RECORD),
        ):
            _print_pair(f"{name}: ms", *_compare(runner, job, record, lambda cost: cost.seconds))
            _print_pair(f"{name}: CPU ms", *_compare(runner, job, record, lambda cost: cost.cpu))
    for seconds in (0.2, 2.0):
        print(f"\nTen runs whose destination answers after {seconds} s: s, CPU ms a run")
        for at_once in AT_ONCE:
            with _runner(at_once, seconds, AWS_SECONDS) as runner:
                batch = _ten(runner, at_once, 5 if seconds < 1 else 1)
            print(f"  {at_once:>2} at a time {batch.seconds:8.3f} {batch.cpu * 100:8.2f}")


@dataclass
class Cost:
    """What runs took: seconds, and CPU seconds without those of AWS calls."""

    seconds: float
    cpu: float


@dataclass
class _Measured:
    """Services that answer after some seconds, and count the CPU time that they take."""

    services: Services
    delay: float
    cpu: float = 0.0
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation."""
        cpu, start_time = time.thread_time(), time.perf_counter()
        try:
            return self.services.call(service, operation, request)
        finally:
            seconds = time.perf_counter() - start_time
            with self._lock:
                self.cpu += time.thread_time() - cpu
                self.seconds += seconds
            if seconds < self.delay:
                time.sleep(self.delay - seconds)

    def prepare(self, service: str) -> None:
        """Prepare the calls of a service."""
        self.services.prepare(service)


@dataclass
class Runner:
    """A stack, the executor of its jobs in workers, and its measured services."""

    stack: Stack
    measured: _Measured

    def __post_init__(self) -> None:
        self.project = environment.project_folder()
        self.pool = executors.start(ROOT / "functions/runner/worker.py")
        self.in_process = InProcess(AdaptorRuntime())

    def create(self, job: str, record: object) -> str:
        """Create a run of a job without queueing it; return its id."""
        message_id = post(self.stack, json.dumps(record))["headers"]["X-Message-Id"]
        runs.create([Plan(message_id, job, "all")], "version")
        return ids.run_id(message_id, job)

    def execute(self, executor: Executor, *run_ids: str) -> Cost:
        """Execute runs in one batch; return what they took without the CPU time of AWS calls."""
        executors.register(self.project, executor)
        self.measured.cpu = self.measured.seconds = 0.0
        event = sqs_event("run_id", *run_ids)
        processes = process_tree.descendants(os.getpid())
        cpu, start_time = _cpu_seconds(processes), time.perf_counter()
        response = self.stack.invoke("runner", event)
        seconds = time.perf_counter() - start_time
        cpu = _cpu_seconds(processes) - cpu - self.measured.cpu
        if failed_ids(response):
            raise RuntimeError(f"These runs failed: {failed_ids(response)}")
        return Cost(seconds, cpu)


def _compare(
    runner: Runner, job: str, record: object, value: Callable[[Cost], float]
) -> tuple[float, float]:
    """Return the median milliseconds of a run in this process and in a worker."""
    costs: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for in_worker in (False, True):
            executor = runner.pool if in_worker else runner.in_process
            for number in range(BURST + 1):
                run_id = runner.create(job, record)
                with suppress(OSError):  # a worker was replaced, and its CPU time is lost
                    cost = value(runner.execute(executor, run_id))
                    if number:  # the first one warms up
                        costs[in_worker].append(cost)
    in_process, workers = (statistics.median(values) * 1000 for values in costs.values())
    return in_process, workers


def _compare_with_first(checkout: Path) -> None:
    """Print medians and minima of runs in the first release's handler and in workers, in turn."""
    cases = (("nothing", RECORD, 0.0), ("nothing, pauses", RECORD, 0.02), ("1 MB", LARGE, 0.0))
    print(f"{'without AWS calls: median (minimum)':<36}{'first release':>18}{'workers':>18}  ratio")
    with _runner() as runner, _first_release(checkout) as execute:
        for name, record, pause in cases:
            costs: dict[bool, list[Cost]] = {False: [], True: []}
            for _ in range(ROUNDS):
                costs[False] += [execute(record, pause) for _ in range(BURST + WARM)][WARM:]
                costs[True] += [_in_worker(runner, record, pause) for _ in range(BURST + WARM)][
                    WARM:
                ]
            for unit in ("seconds", "cpu"):
                pairs = [[getattr(cost, unit) * 1000 for cost in costs[key]] for key in costs]
                medians = [statistics.median(values) for values in pairs]
                cells = [f"{statistics.median(v):9.2f} ({min(v):6.2f})" for v in pairs]
                label = "ms" if unit == "seconds" else "CPU ms"
                print(f"{name + ': ' + label:<36}{cells[0]:>18}{cells[1]:>18}", end="")
                print(f"{medians[1] / medians[0]:7.2f}")


def _in_worker(runner: Runner, record: object, pause: float) -> Cost:
    """Execute a run after a pause; return what it took without AWS calls."""
    run_id = runner.create("nothing", record)
    time.sleep(pause)
    try:
        cost = runner.execute(runner.pool, run_id)
    except OSError:  # a worker was replaced, and its CPU time is lost
        return _in_worker(runner, record, pause)
    return Cost(cost.seconds - runner.measured.seconds, cost.cpu)


@contextmanager
def _first_release(checkout: Path) -> Iterator[Callable[[object, float], Cost]]:
    """Start the first release's handler; yield what executes a run of the job `nothing` there."""
    places = [checkout / "layers/core", checkout / "layers/adaptors", checkout]
    with tempfile.TemporaryDirectory() as folder:
        inbox = f'inboxes: {{nothing: {{id_sha256: "{"0" * 64}"}}}}\n'
        write_project(Path(folder), inbox + FIRST_PROJECT, {"nothing": JOBS["nothing"]})
        process = subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "benchmarks/support/first_release.py"), folder],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def execute(record: object, pause: float) -> Cost:
            request = {"job": "nothing", "record": record, "pause": pause}
            print(json.dumps(request), file=process.stdin, flush=True)
            return Cost(*json.loads(process.stdout.readline() if process.stdout else ""))

        yield execute
        process.communicate()


def _ten(runner: Runner, at_once: int, rounds: int) -> Cost:
    """Return the median cost of ten runs, in batches, once the workers have started."""
    costs = []
    for _ in range(rounds + 1):
        run_ids = [runner.create("delivers", RECORD) for _ in range(10)]
        batches = [run_ids[n : n + at_once] for n in range(0, 10, at_once)]
        try:
            spent = [runner.execute(runner.pool, *batch) for batch in batches]
        except OSError:  # a worker was replaced
            continue
        costs.append((sum(cost.seconds for cost in spent), sum(cost.cpu for cost in spent)))
    return Cost(*(statistics.median(values) for values in zip(*costs[1:], strict=True)))


@contextmanager
def _runner(at_once: int = 1, answer: float = 0.0, aws: float = 0.0) -> Iterator[Runner]:
    """Create a stack whose destination and whose AWS calls take some seconds to answer."""
    with ExitStack() as context:
        folder = Path(context.enter_context(tempfile.TemporaryDirectory()))
        write_project(folder, PROJECT, JOBS)
        url = context.enter_context(_destination(answer))
        parameters = {"RunsPerRunner": str(at_once), "RunMemory": "1024"}
        stack = context.enter_context(create_stack(folder, parameters=parameters, workers=True))
        stack.set_credential("destination", {"baseUrl": url})
        measured = _Measured(services.current(), aws)
        context.enter_context(services.use(measured))
        runner = Runner(stack, measured)
        yield runner
        executors.register(runner.project, runner.pool)  # closed with the stack


def _cpu_seconds(descendants: Iterable[int]) -> float:
    """Return the CPU seconds of this process and of descendants that have one thread."""
    seconds = time.process_time()
    for pid in descendants:
        seconds += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return seconds


@contextmanager
def _destination(seconds: float) -> Iterator[str]:
    receiver, sender = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_serve, args=[sender, seconds], daemon=True)
    process.start()
    yield f"http://127.0.0.1:{receiver.recv()}"
    process.terminate()
    process.join()


def _serve(sender: Connection, seconds: float) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(seconds)
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "12")
            self.end_headers()
            self.wfile.write(b'{"id": 1234}')

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sender.send(server.server_port)
        server.serve_forever()


def _print_pair(label: str, in_process: float, workers: float) -> None:
    print(f"{label:<52}{in_process:12.2f}{workers:12.2f}")


if __name__ == "__main__":
    main()
