"""What a run costs the runner in processor time, and a POST beside the HTTP client alone.

    python -m benchmarks.runner

The job does nothing, so that the first table is the machinery around it: to load a job and carry
its state, and the runner's whole handler in the embedded stack, with and without its calls to AWS
(moto answers them in the same process, so those are dearer than real ones). The second table is a
POST of a small record to a server in another process: through `adaptors.http`, and by a
`requests.Session` that is kept. All is measured in turn in one run: the ratios are what counts.
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
from openfn.storage import aws
from tests.conftest import post as post_message
from workbench.local import event_source, stack

ROUNDS, BURST, RUNS = 40, 50, 60
BUDGET = 1.3
RECORD = {"name": "Amina", "age": 7, "village": "Kisumu", "visits": [1, 2, 3], "given": None}
NOTHING = "from adaptors.common import fn\nfn(lambda state: state)\n"
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
        (project / "jobs/nothing.py").write_text(NOTHING, "utf-8")
        (project / "project.yaml").write_text(PROJECT, "utf-8")
        print("A run of a job that does nothing, processor time")
        alone = _medians({"job": lambda: _job(project / "jobs/nothing.py")})["job"]
        _say("to load it, execute it and keep its state", alone)
        handler, calls = _handler(project)
        _say("the runner's handler without its calls to AWS", handler - calls)
        _say("its calls to AWS, as moto answers them here", calls)
    print("\nA POST of a small record to a server on this machine, processor time")
    with _destination() as url:
        bare, ours = _posts(url)
    _say("requests.Session().post", bare)
    _say("adaptors.http.post", ours)
    print(f"{'the ratio':<50} {ours / bare:7.2f}    (budget {BUDGET})")


def _job(path: Path) -> None:
    state = states.begun({"data": RECORD, "request": {"method": "POST", "headers": {}}})
    states.kept(expression.execute(expression.load(path), state, path))


def _posts(url: str) -> tuple[float, float]:
    session, operate = requests.Session(), post("records", RECORD)
    configuration = {"baseUrl": url, "username": "nurse", "password": "secret"}
    state = {"configuration": configuration, "data": RECORD, "references": []}

    def bare() -> None:
        answer = session.post(f"{url}/records", json=RECORD, auth=("nurse", "secret"), timeout=60)
        answer.raise_for_status()
        answer.json()

    found = _medians({"bare": bare, "ours": lambda: operate(state)})
    return found["bare"], found["ours"]


def _medians(cases: dict[str, Callable[[], object]]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 1):
        for name, case in cases.items():
            began = time.process_time()
            for _ in range(BURST):
                case()
            if number:  # the first round warms up
                times[name].append((time.process_time() - began) / BURST)
    return {name: statistics.median(each) for name, each in times.items()}


def _handler(project: Path) -> tuple[float, float]:
    """Give the medians of the runner's handler, and of its calls to AWS, for a run."""
    handler, calls = [], []
    with ExitStack() as context:
        made = context.enter_context(stack.created(project))
        made.set_credential("destination", {"baseUrl": "https://example.org"})
        spent = context.enter_context(_calls())

        def invoke(function: str, event: dict[str, Any]) -> Any:
            spent.clear()
            began = time.process_time()
            answer = made.invoke(function, event)
            if function == "runner":
                handler.append((time.process_time() - began) / len(event["Records"]))
                calls.append(sum(spent) / len(event["Records"]))
            return answer

        for _ in range(RUNS + 1):
            post_message(made, json.dumps(RECORD))
            while sum(event_source.poll(mapping, invoke) for mapping in made.resources.mappings):
                pass
    return statistics.median(handler[1:]), statistics.median(calls[1:])


@contextmanager
def _calls() -> Iterator[list[float]]:
    """Collect the processor time of each call to AWS."""
    spent: list[float] = []
    began = [0.0]

    def begin(**_about: Any) -> None:
        began[0] = time.process_time()

    def end(**_about: Any) -> None:
        spent.append(time.process_time() - began[0])

    for service in ("dynamodb", "sqs", "s3", "secretsmanager"):
        events = aws.client(service).meta.events
        events.register("before-parameter-build", begin)
        events.register("after-call", end)
    yield spent
    aws.client.cache_clear()


@contextmanager
def _destination() -> Iterator[str]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=[there], daemon=True)
    process.start()
    yield f"http://127.0.0.1:{here.recv()}"
    process.terminate()
    process.join()


def _serve(told: Connection) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        told.send(server.server_port)
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

    def log_message(self, *_about: object) -> None:
        """Log nothing."""


def _say(what: str, seconds: float) -> None:
    print(f"{what:<50} {seconds * 1e6:7,.0f} us")


if __name__ == "__main__":
    main()
