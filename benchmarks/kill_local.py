"""Kill `ofn serve` under load again and again, and check that nothing is lost, doubled or stuck.

    python -m benchmarks.kill_local [KILLS] [SEED]

First the real program is killed (SIGKILL) at random moments while clients post, 100 times by
default. Then a process that handles one message dies before and after each of its writes. After
each part, time moves on by hours, so that leases end, and everything that was accepted must have
been delivered: each record once by its idempotency key, and each case in the order posted.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
import time_machine
from werkzeug.wrappers import Request, Response

from workbench.local import http_server
from workbench.local.stack import Stack, create_in_folder, create_stack
from workbench.store.database import Database

CASES = 4
HOURS = 12
PROJECT = f"""
name: kills
inboxes: {{field: {{id_sha256: "{"0" * 64}", dedupe: _uuid}}}}
triggers: {{all: {{inclusion: {{}}, order_by: case}}}}
credentials: {{destination: {{adaptor: http}}}}
jobs: {{deliver: {{trigger: all, credential: destination, expression: jobs/deliver.py}}}}
"""
DELIVER = """
from adaptors.common import data_value
from adaptors.http import post
post("records", {"case": data_value("case"), "n": data_value("n")}, idempotency_key=True)
"""


@dataclass(slots=True)
class Destination:
    """An idempotent destination: it counts each key once, and keeps the order of the cases."""

    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    cases: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, request: Request) -> Response:
        """Accept a record."""
        record: Any = request.get_json()
        with self._lock:
            key = request.headers["Idempotency-Key"]
            if key not in self.keys:
                self.keys[key] = (record["case"], record["n"])
                self.cases[record["case"]].append(record["n"])
        return Response("{}", HTTPStatus.CREATED, content_type="application/json")


def main() -> int:
    """Run both parts; return 1 if a record was lost, doubled or out of order."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    random.seed(sys.argv[2] if len(sys.argv) > 2 else None)
    failures = _kill_program(kills) + _die_at_each_write()
    for failure in failures:
        print(failure)
    return 1 if failures else 0


def _kill_program(kills: int) -> list[str]:
    destination, accepted = Destination(), dict[int, list[int]]()
    with _project() as folder, http_server.serve(destination.respond) as url:
        _write_credential(folder, url)
        port, over = free_port(), threading.Event()
        clients = [
            threading.Thread(target=_post, args=(folder, port, case, accepted, over))
            for case in range(CASES)
        ]
        for number in range(kills):
            process = _start(folder, port)
            if not number:
                for client in clients:
                    client.start()
            time.sleep(random.uniform(0.05, 2))
            process.send_signal(signal.SIGKILL)
            process.wait()
        over.set()
        for client in clients:
            client.join()
        _recover(folder, url)
    print(f"{kills} kills: {sum(map(len, accepted.values()))} accepted, ", end="")
    print(f"{len(destination.keys)} delivered")
    return [
        f"case {case}: accepted {numbers[:3]}… ({len(numbers)}), delivered "
        f"{destination.cases[case][:3]}… ({len(destination.cases[case])})"
        for case, numbers in accepted.items()
        if [n for n in destination.cases[case] if n in set(numbers)] != numbers
        or len(set(destination.cases[case])) != len(destination.cases[case])
    ]


def _start(folder: Path, port: int) -> subprocess.Popen[str]:
    program = Path(sys.executable).parent / "ofn"
    command = [program, "serve", "--port", str(port), "--project", "project"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    for line in process.stdout or ():
        if "inbox/" in line:
            (folder / "path").write_text(line.split(f":{port}")[1].strip(), "utf-8")
        if "Press Ctrl-C" in line:
            threading.Thread(target=_discard, args=(process.stdout,), daemon=True).start()
            return process
    raise RuntimeError("ofn serve did not start.")


def _discard(lines: Any) -> None:
    for _ in lines:
        pass


def _post(
    folder: Path, port: int, case: int, accepted: dict[int, list[int]], over: threading.Event
) -> None:
    """Post the records of a case one after the other, each until it is accepted."""
    number = 0
    accepted[case] = []
    while not over.is_set():
        body = {"_uuid": str(uuid.uuid4()), "case": case, "n": number}
        while not over.is_set():
            with suppress(requests.RequestException):
                url = f"http://127.0.0.1:{port}{(folder / 'path').read_text('utf-8')}"
                if requests.post(url, json=body, timeout=20).status_code == HTTPStatus.OK:
                    accepted[case].append(number)
                    break
            time.sleep(0.05)
        number += 1


def _die_at_each_write() -> list[str]:
    """Let a process die before and after each write while it handles one message."""
    failures, deaths = list[str](), 0
    for is_after in (False, True):
        number = 1
        while True:
            destination = Destination()
            with _project() as folder, http_server.serve(destination.respond) as url:
                died, was_accepted = _fork(folder, url, number, is_after=is_after)
                if not died:
                    break
                _recover(folder, url)
            deaths += 1
            if len(destination.keys) > 1 or len(destination.keys) < was_accepted:
                failures.append(f"write {number}, after={is_after}: {destination.keys}")
            number += 1
    print(f"{deaths} deaths at writes: {len(failures)} failures")
    return failures


def _fork(folder: Path, url: str, number: int, *, is_after: bool) -> tuple[bool, bool]:
    """Handle one message in a process that dies at a write; return whether it died and accepted."""
    process = os.fork()
    if process == 0:
        with _stack(folder, url) as stack:
            _die_at(number, is_after=is_after)
            with stack.serving() as urls:
                body = {"_uuid": "u", "case": 1, "n": 1}
                if requests.post(urls["field"], json=body, timeout=20).ok:
                    (folder / "accepted").touch()
            stack.drain()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    return status != 0, (folder / "accepted").exists()


def _die_at(number: int, *, is_after: bool) -> None:
    original, count = Database.write, [0]

    @contextmanager
    def write(database: Database) -> Iterator[Any]:
        count[0] += 1
        if count[0] == number and not is_after:
            os._exit(9)
        with original(database) as connection:
            yield connection
        if count[0] == number:
            os._exit(9)

    Database.write = write  # type: ignore[method-assign]


def _recover(folder: Path, url: str) -> None:
    """Process all that is left; each hour, ticks find what was not queued."""
    with _stack(folder, url) as stack:
        began = time.time()
        for hour in range(1, HOURS + 1):
            with time_machine.travel(began + hour * 3600, tick=True):
                stack.tick()
                stack.drain()


@contextmanager
def _stack(folder: Path, url: str) -> Iterator[Stack]:
    create_resources = partial(create_in_folder, folder / ".openfn")
    with create_stack(folder / "project", create_resources=create_resources) as stack:
        stack.set_credential("destination", {"baseUrl": url})
        yield stack


@contextmanager
def _project() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="openfn-kills-") as name:
        folder = Path(name)
        (folder / "project/jobs").mkdir(parents=True)
        (folder / "project/project.yaml").write_text(PROJECT, "utf-8")
        (folder / "project/jobs/deliver.py").write_text(DELIVER, "utf-8")
        yield folder


def _write_credential(folder: Path, url: str) -> None:
    directory = folder / "project/credentials"
    directory.mkdir()
    (directory / "destination.json").write_text(f'{{"baseUrl": "{url}"}}', "utf-8")


def free_port() -> int:
    """Return a port that no program listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
