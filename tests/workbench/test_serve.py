"""`ofn serve`: the real program, from its first line to Ctrl-C."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import boto3
import pytest
import requests

from openfn import ids
from tests.conftest import ROOT

PROGRAM = Path(sys.executable).parent / "ofn"
SECONDS = 30


@dataclass
class Program:
    """A running program and the lines it has printed."""

    process: subprocess.Popen
    lines: list[str] = field(default_factory=list)
    _new: SimpleQueue = field(default_factory=SimpleQueue)

    def __post_init__(self):
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))

    def until(self, pattern):
        """Read lines until one holds a pattern; give its match."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self.lines.append(self._new.get(timeout=deadline - time.monotonic()))
            except (Empty, ValueError):
                pytest.fail("\n".join([f"no line with {pattern!r} in:", *self.lines]))
            if found := re.search(pattern, self.lines[-1]):
                return found

    def interrupt(self):
        """Press Ctrl-C; give the status the program ends with."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status


@dataclass
class Served:
    """What was seen of one session: a post is sent, the table read, the program stopped."""

    lines: list[str]
    answer: requests.Response
    item: dict
    status: int


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    nothing = tmp_path_factory.mktemp("credentials")
    command = [PROGRAM, "serve", "--port", "0", "--aws-port", "0", "--credentials", nothing]
    with subprocess.Popen(
        [*command, "--project", ROOT / "project"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _session(Program(process))
        finally:
            process.kill()


def _session(program):
    url = program.until(r"field-data +(http://127\.0\.0\.1:\d+/inbox/\S+)")[1]
    endpoint = program.until(r"AWS_ENDPOINT_URL=(http://\S+)")[1]
    program.until("which shows what it receives")
    answer = requests.post(
        url,
        data=(ROOT / "events/kobo_household.json").read_bytes(),
        headers={"Content-Type": "application/json"},
        timeout=SECONDS,
    )
    program.until("register-household succeeded")
    item = _kept(endpoint, answer.headers["X-Message-Id"])
    status = program.interrupt()
    program.until("stopped")
    return Served(program.lines, answer, item, status)


def _kept(endpoint, message_id):
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    (table,) = client.list_tables()["TableNames"]
    key = {name: {"S": value} for name, value in ids.key_of(message_id).items()}
    item = client.get_item(TableName=table, Key=key)["Item"]
    client.close()
    return item


def test_a_post_is_answered(served):
    assert (served.answer.status_code, served.answer.text) == (200, "{}")


@pytest.mark.parametrize(
    ("who", "what"),
    [
        ("inbox", r"kept 541 bytes for field-data as \S+"),
        ("matcher", "kobo-household matched → register-household"),
        ("destination", r'PUT /households/19d72997-\S+ \{"head": "twenty", "age": 19, .+… \('),
        ("runner", r"register-household succeeded in \d+ ms"),
    ],
)
def test_each_stage_tells_a_readable_line(served, who, what):
    assert [line for line in served.lines if re.match(rf"\d\d:\d\d:\d\d {who} +{what}", line)]


def test_the_message_is_in_the_table_that_other_programs_reach(served):
    assert served.item["inbox"] == {"S": "field-data"}
    assert served.item["sk"] == {"S": served.answer.headers["X-Message-Id"]}


def test_the_credential_that_has_no_file_is_told_to_lead_to_a_destination_of_its_own(served):
    (line,) = [line for line in served.lines if "registry.json" in line]
    assert "registry leads to a destination of this command's own" in line


def test_ctrl_c_ends_it_with_status_0_and_no_traceback(served):
    assert served.status == 0
    assert served.lines[-1] == "stopped; what was in memory is gone"
    assert not [line for line in served.lines if "Traceback" in line]


@pytest.mark.parametrize("option", ["--port", "--aws-port"])
def test_a_port_that_is_taken_is_told_with_the_option_that_chooses_another(ofn, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = ofn(
            "serve", "--project", ROOT / "project", "--port", "0", "--aws-port", "0", option, port
        )
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        f"port {port} is taken: stop what uses it, or choose another with {option} "
        f"({option} 0 picks a free one)\n"
    )


def test_one_port_cannot_be_used_for_both(ofn):
    ended = ofn("serve", "--project", ROOT / "project", "--port", "64123", "--aws-port", "64123")
    assert ended.status == 1
    assert ended.err.startswith("port 64123 is asked for twice: choose another with --aws-port")


def test_a_credential_s_file_that_is_no_json_object_is_told_before_anything_starts(ofn, tmp_path):
    (tmp_path / "registry.json").write_text("hunter2")
    ended = ofn(
        *("serve", "--project", ROOT / "project", "--port", "0", "--aws-port", "0"),
        *("--credentials", tmp_path),
    )
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"{tmp_path}/registry.json is not a JSON object such as")
    assert "hunter2" not in ended.err
