"""`ofn serve`: the real program, from its start to Ctrl-C."""

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
from botocore.exceptions import ClientError

from openfn import ids
from tests.conftest import ROOT

PROGRAM = Path(sys.executable).parent / "ofn"
SECONDS = 120  # a limit for a hang, not a measurement: the machine may be busy


@dataclass
class Program:
    """A running program and its printed lines."""

    process: subprocess.Popen
    lines: list[str] = field(default_factory=list)
    _queue: SimpleQueue = field(default_factory=SimpleQueue)

    def __post_init__(self):
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))

    def read_until(self, pattern):
        """Read lines until one matches a pattern; return the match."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self.lines.append(self._queue.get(timeout=deadline - time.monotonic()))
            except (Empty, ValueError):
                pytest.fail("\n".join([f"no line with {pattern!r} in:", *self.lines]))
            if match := re.search(pattern, self.lines[-1]):
                return match

    def interrupt(self):
        """Press Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status


@dataclass
class Session:
    """A session in which a post was sent, the table read and the program stopped."""

    lines: list[str]
    response: requests.Response
    item: dict
    status: int


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    no_credentials = tmp_path_factory.mktemp("credentials")
    command = [PROGRAM, "serve", "--memory", "--port", "0", "--aws-port", "0"]
    command += ["--credentials", no_credentials]
    with subprocess.Popen(
        [*command, "--project", ROOT / "project"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _run_session(Program(process))
        finally:
            process.kill()


def _run_session(program):
    url = program.read_until(r"field-data +(http://127\.0\.0\.1:\d+/inbox/\S+)")[1]
    endpoint = program.read_until(r"AWS_ENDPOINT_URL=(http://\S+)")[1]
    key = re.search(r"AWS_SECRET_ACCESS_KEY=(\S+)", program.lines[-1])[1]
    program.read_until("which `ofn received` shows")
    response = requests.post(
        url,
        data=(ROOT / "events/kobo_household.json").read_bytes(),
        headers={"Content-Type": "application/json"},
        timeout=SECONDS,
    )
    program.read_until("register-household succeeded")
    item = _stored_item(endpoint, key, response.headers["X-Message-Id"])
    status = program.interrupt()
    program.read_until("Stopped")
    return Session(program.lines, response, item, status)


def _stored_item(endpoint, key, message_id):
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key=key,
    )
    wrong = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="guessed",
    )
    with pytest.raises(ClientError, match="InvalidSignature"):
        wrong.scan(TableName="openfn-Table")
    key = {name: {"S": value} for name, value in ids.key_of(message_id).items()}
    item = client.get_item(TableName="openfn-Table", Key=key)["Item"]
    client.close()
    return item


def test_post_is_answered(session):
    assert (session.response.status_code, session.response.text) == (200, "{}")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("inbox", r"stored 541 bytes from inbox field-data as \S+"),
        ("matcher", "kobo-household matched → register-household"),
        ("destination", r'PUT /households/889409 \{"head": "twenty", "age": 19, .+… \('),
        ("runner", r"register-household succeeded in \d+ ms"),
    ],
)
def test_every_stage_prints_a_readable_line(session, source, text):
    pattern = re.compile(rf"\d\d:\d\d:\d\d {source} +{text}")
    assert [line for line in session.lines if pattern.match(line)]


def test_other_programs_can_read_the_message_from_the_table(session):
    assert session.item["inbox"] == {"S": "field-data"}
    assert session.item["sk"] == {"S": session.response.headers["X-Message-Id"]}


def test_missing_credential_file_uses_the_built_in_destination(session):
    (line,) = [line for line in session.lines if "registry.json" in line]
    assert "data for registry goes to the built-in destination" in line
    assert "ofn credential set registry --local" in line


def test_ctrl_c_ends_with_status_0_and_no_traceback(session):
    assert session.status == 0
    assert session.lines[-1] == "Stopped. The data in memory is gone."
    assert not [line for line in session.lines if "Traceback" in line]


@pytest.mark.parametrize("option", ["--port", "--aws-port"])
def test_used_port_error_names_the_option_to_choose_another(ofn, option):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        ended = ofn(
            "serve",
            "--memory",
            "--project",
            ROOT / "project",
            "--port",
            "0",
            "--aws-port",
            "0",
            option,
            port,
        )
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        f"Port {port} is in use by another program. "
        f"Choose another port with {option}; `{option} 0` picks a free one.\n"
    )


def test_the_two_ports_must_differ(ofn):
    ended = ofn(
        "serve", "--memory", "--project", ROOT / "project", "--port", "64123", "--aws-port", "64123"
    )
    assert ended.status == 1
    assert ended.err.startswith("Port 64123 is used twice. Choose another port with --aws-port")


def test_invalid_credential_file_is_reported_before_the_stack_starts(ofn, tmp_path):
    (tmp_path / "registry.json").write_text("hunter2")
    ended = ofn(
        *("serve", "--memory", "--project", ROOT / "project", "--port", "0", "--aws-port", "0"),
        *("--credentials", tmp_path),
    )
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"{tmp_path}/registry.json is not a JSON object such as")
    assert "hunter2" not in ended.err
