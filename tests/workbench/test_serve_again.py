"""`ofn serve` with data in a folder: other commands, saved files, and a restart."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import requests

from openfn import ids
from tests.conftest import write_project
from tests.workbench.test_serve import PROGRAM, SECONDS, Program

PROJECT = """
triggers: {all: {inclusion: {}}}
credentials: {registry: {adaptor: http}}
jobs: {job-a: {trigger: all, credential: registry, expression: jobs/a.py}}
"""
JOB = """
from adaptors.http import post
post("first", {"n": 1})
"""


@dataclass
class Session:
    """What two starts in one folder printed, and what other commands printed meanwhile."""

    lines: list[list[str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    urls_b: list[str] = field(default_factory=list)
    """Of an inbox that was added while the program ran."""
    received: str = ""
    listed: list[str] = field(default_factory=list)
    modes: dict[str, int] = field(default_factory=dict)
    message_id: str = ""


@contextmanager
def serving(folder):
    command = [PROGRAM, "serve", "--port", "0", "--project", folder / "project"]
    command += ["--data", folder / "stored"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        program = Program(process)
        try:
            yield program
        finally:
            process.kill()


def ofn(folder, *arguments):
    ended = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    (folder / "project").mkdir()
    write_project(folder / "project", PROJECT, {"a": JOB})
    session = Session()
    with serving(folder) as program:
        url = program.read_until(r"inbox-a +(http://127\.0\.0\.1:\d+/inbox/\S+)")[1]
        program.read_until("Press Ctrl-C")
        response = requests.post(url, json={"name": "Amina"}, timeout=SECONDS)
        session.message_id = response.headers["X-Message-Id"]
        program.read_until("job-a succeeded")
        _save(folder, "post(")
        program.read_until("The version before stays")
        _save(folder, JOB.replace("first", "second"))
        program.read_until("Loaded the project again")
        text = (folder / "project/project.yaml").read_text("utf-8")
        hashes = f'inbox-a: {{id_sha256: "{"0" * 64}"}}'
        new_inbox = hashes.replace("inbox-a", "inbox-b").replace("0", "1")
        (folder / "project/project.yaml").write_text(
            text.replace(hashes, f"{hashes}, {new_inbox}"), "utf-8"
        )
        url_b = program.read_until(r"inbox-b +(http://127\.0\.0\.1:\d+/inbox/\S+)")[1]
        run_id = ids.run_id(session.message_id, "job-a")
        session.urls_b.append(url_b)
        ofn(folder, "replay", run_id, "--yes", "--project", "project")
        program.read_until("destination POST /second")
        program.read_until("job-a succeeded")
        session.modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in [folder / "stored", *(folder / "stored").iterdir()]
        }
        program.interrupt()
        session.lines.append(program.lines)
        session.urls.append(url)
    with serving(folder) as program:
        session.urls.append(program.read_until(r"inbox-a +(http://127\.0\.0\.1:\d+/inbox/\S+)")[1])
        session.urls_b.append(
            program.read_until(r"inbox-b +(http://127\.0\.0\.1:\d+/inbox/\S+)")[1]
        )
        program.read_until("Press Ctrl-C")
        listed = ofn(folder, "runs", "--json")
        session.received = ofn(folder / "project/jobs", "received", "--json").stdout
        session.listed = [listed.stdout, listed.stderr]
        program.interrupt()
        session.lines.append(program.lines)
    return session


@pytest.mark.parametrize("urls", ["urls", "urls_b"])
def test_urls_survive_a_restart(session, urls):
    paths = {re.sub(r"http://[^/]+", "", url) for url in getattr(session, urls)}
    assert len(paths) == 1


def test_received_requests_survive_a_restart_with_their_job_and_run(session):
    second, first = json.loads(session.received)
    assert (first["path"], second["path"]) == ("/first", "/second")
    assert second["run"] == ids.run_id(session.message_id, "job-a")
    assert (second["destination"], second["job"]) == ("registry", "job-a")


def test_other_commands_find_the_stack_and_its_history_by_themselves(session):
    (run,) = json.loads(session.listed[0])
    assert (run["id"], run["status"]) == (ids.run_id(session.message_id, "job-a"), "succeeded")
    assert "on this machine, data in" in session.listed[1]


def test_invalid_version_is_reported_with_its_line_and_the_old_one_stays(session):
    assert [line for line in session.lines[0] if re.match(r"jobs/a\.py:1: ", line)]


def test_nobody_else_can_read_the_data(session):
    assert session.modes.pop("stored") == 0o700
    assert set(session.modes.values()) == {0o600}
    assert {"store.sqlite3", ".gitignore", "lock"} <= session.modes.keys()


def test_nothing_is_printed_but_what_happened(session):
    text = "\n".join(line for lines in session.lines for line in lines)
    assert "Traceback" not in text
    assert "Amina" not in text


def _save(folder, code):
    (folder / "project/jobs/a.py").write_text(code, "utf-8")
