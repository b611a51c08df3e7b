"""Measure the CPU time of a run, and of a POST compared with plain requests.

    python -m benchmarks.runner

The job does nothing, so the first table shows the overhead: to load a job and store its state, and
the runner's handler in the embedded stack with and without its AWS calls. (moto answers them in the
same process, so they cost more CPU time than real ones.) The second table shows a POST of a small
record to a server in another process, with `adaptors.http` and with a reused `requests.Session`.
Both are measured in turn, so their ratio is meaningful on a busy machine too.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import requests

from adaptors.http import post
from openfn.jobs import expression
from openfn.jobs import state as states
from openfn.storage import boto3_services
from tests.conftest import post as post_message
from tests.support.moto_stack import create_stack
from workbench.local import event_source

ROUNDS, BURST, RUNS = 40, 50, 60
BUDGET = 1.3
RECORD = {"name": "Amina", "age": 7, "village": "Kisumu", "visits": [1, 2, 3], "referred": None}
EMPTY_JOB = "from adaptors.common import fn\nfn(lambda state: state)\n"
PROJECT = f"""
name: runner
inboxes: {{inbox-a: {{id_sha256: "{"0" * 64}"}}}}
triggers: {{all: {{inclusion: {{}}}}}}
credentials: {{destination: {{adaptor: http}}}}
jobs: {{nothing: {{trigger: all, credential: destination, expression: jobs/nothing.py}}}}
"""


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "jobs").mkdir()
        (project / "jobs/nothing.py").write_text(EMPTY_JOB, "utf-8")
        (project / "project.yaml").write_text(PROJECT, "utf-8")
        print("CPU time of a run whose job does nothing")
        job = _medians({"job": lambda: _execute_job(project / "jobs/nothing.py")})["job"]
        _print_row("load the job, execute it and serialize its state", job)
        handler, aws_calls = _measure_handler(project)
        _print_row("the runner's handler without its AWS calls", handler - aws_calls)
        _print_row("its AWS calls, answered by moto", aws_calls)
    print("\nCPU time of a POST of a small record to a server on this machine")
    with _destination() as url:
        plain, adaptor = _measure_posts(url)
    _print_row("requests.Session().post", plain)
    _print_row("adaptors.http.post", adaptor)
    print(f"{'ratio':<50} {adaptor / plain:7.2f}    (budget {BUDGET})")


def _execute_job(path: Path) -> None:
    request = {"method": "POST", "headers": {}}
    state = states.with_configuration({"data": RECORD, "request": request})
    states.to_json(expression.execute(expression.load(path), state, path))


def _measure_posts(url: str) -> tuple[float, float]:
    session, operation = requests.Session(), post("records", RECORD)
    configuration = {"baseUrl": url, "username": "nurse", "password": "secret"}
    state = {"configuration": configuration, "data": RECORD, "references": []}

    def post_with_requests() -> None:
        response = session.post(f"{url}/records", json=RECORD, auth=("nurse", "secret"), timeout=60)
        response.raise_for_status()
        response.json()

    medians = _medians({"requests": post_with_requests, "adaptor": lambda: operation(state)})
    return medians["requests"], medians["adaptor"]


def _medians(cases: dict[str, Callable[[], object]]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 1):
        for name, case in cases.items():
            start_time = time.process_time()
            for _ in range(BURST):
                case()
            if number:  # the first round warms up
                times[name].append((time.process_time() - start_time) / BURST)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def _measure_handler(project: Path) -> tuple[float, float]:
    """Return the median CPU times per run of the runner's handler and of its AWS calls."""
    handler, calls = [], []
    with ExitStack() as context:
        embedded = context.enter_context(create_stack(project))
        embedded.set_credential("destination", {"baseUrl": "https://example.org"})
        call_times = context.enter_context(_timed_aws_calls())

        def invoke(function: str, event: dict[str, Any]) -> Any:
            call_times.clear()
            start_time = time.process_time()
            result = embedded.invoke(function, event)
            if function == "runner":
                handler.append((time.process_time() - start_time) / len(event["Records"]))
                calls.append(sum(call_times) / len(event["Records"]))
            return result

        for _ in range(RUNS + 1):
            post_message(embedded, json.dumps(RECORD))
            while sum(
                event_source.poll(mapping, invoke) for mapping in embedded.resources.mappings
            ):
                pass
    return statistics.median(handler[1:]), statistics.median(calls[1:])


@contextmanager
def _timed_aws_calls() -> Iterator[list[float]]:
    """Collect the CPU time of each AWS call."""
    seconds: list[float] = []
    start_time = 0.0

    def begin(**_: Any) -> None:
        nonlocal start_time
        start_time = time.process_time()

    def end(**_: Any) -> None:
        seconds.append(time.process_time() - start_time)

    for service in ("dynamodb", "sqs", "s3", "secretsmanager"):
        events = boto3_services.client(service).meta.events
        events.register("before-parameter-build", begin)
        events.register("after-call", end)
    yield seconds
    boto3_services.client.cache_clear()


@contextmanager
def _destination() -> Iterator[str]:
    receiver, sender = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=[sender], daemon=True
    )
    process.start()
    yield f"http://127.0.0.1:{receiver.recv()}"
    process.terminate()
    process.join()


def _serve(sender: Connection) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        sender.send(server.server_port)
        server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "12")
        self.end_headers()
        self.wfile.write(b'{"id": 1234}')

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _print_row(label: str, seconds: float) -> None:
    print(f"{label:<50} {seconds * 1e6:7,.0f} us")


if __name__ == "__main__":
    main()
