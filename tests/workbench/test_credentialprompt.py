"""`ofn credential set` on a terminal: the real program asks, and shows no secret."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.workbench.conftest import GOOD, MORE

SECRET = "s3cr3t-Zm9v"
PROGRAM = f"""
import sys, adaptors
adaptors.__path__.append({str(MORE)!r})
from workbench.cli.main import main
sys.argv = ["ofn", *sys.argv[1:]]
main()
"""
BODY = {"hostUrl": "https://x.org", "password": SECRET}
PEM = f"-----BEGIN KEY-----\n{SECRET}\n-----END KEY-----"


@dataclass
class Terminal:
    """A program that asks on a terminal, and all that was shown there."""

    process: subprocess.Popen
    keyboard: int
    said: str = ""

    def until_asked(self):
        """Read what is said up to the next question; give the line before it, or nothing."""
        since = len(self.said)
        while not self.said[since:].endswith((" > ", "[y/N]:")):
            assert select.select([self.process.stderr], [], [], 30)[0], "it says nothing"
            more = os.read(self.process.stderr.fileno(), 4096).decode()
            if not more:
                return None
            self.said += more
        return self.said[since:]

    def answer(self, text):
        os.write(self.keyboard, f"{text}\n".encode())

    def fill_in(self, answers):
        """Answer each question by its key; Enter where there is no answer. Give the keys asked."""
        asked = [""]
        while (question := self.until_asked()) is not None:
            *_, before, last = ["", *question.splitlines()]
            key = "replace" if last.startswith("replace ") else before.partition(":")[0]
            asked.append(asked[-1] if key.startswith(" ") else key)  # a mistake: asked again
            assert len(asked) < 50
            mine = answers.get(asked[-1], "")
            self.answer(mine.pop(0) if isinstance(mine, list) else mine)
        return asked[1:]


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str
    echoed: str
    asked: list


@pytest.fixture
def ask(project):
    """Set the credential on a terminal, with these answers by key."""
    project.write("project.yaml", f"{GOOD}credentials: {{registry: {{adaptor: clinic}}}}\n")

    def run(answers, *options):
        with _terminal(project.folder, *options) as terminal:
            asked = terminal.fill_in(answers)
            out = terminal.process.stdout.read().decode()
            status = terminal.process.wait(30)
            echoed = os.read(terminal.keyboard, 65536).decode()
        assert SECRET not in terminal.said + echoed + out
        return Ended(status, out, terminal.said, echoed, asked)

    return run


@contextmanager
def _terminal(folder, *options):
    keyboard, screen = pty.openpty()
    command = ["credential", "set", "registry", "--local", "--project", str(folder), *options]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command],
        stdin=screen,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # else the password is asked for on the developer's terminal
    ) as process:
        try:
            yield Terminal(process, keyboard)
        finally:
            process.kill()
    os.close(screen)
    os.close(keyboard)


@pytest.fixture
def kept(project):
    """Give what is in the credential's file."""
    path = project.folder / "credentials/registry.json"
    return lambda: json.loads(path.read_text("utf-8"))


def test_each_key_is_asked_for_with_what_the_adaptor_says_of_it(ask, kept, tmp_path):
    (tmp_path / "key.pem").write_text(PEM + "\n", "utf-8")
    ended = ask(
        {
            "hostUrl": ["", "https://x.org"],
            "password": f"@@{SECRET}",
            "port": ["many", "5433"],
            "tls.certFile": f"@{tmp_path}/key.pem",
            "tls.key": [PEM.splitlines()[0], "@/nowhere", f"@{tmp_path}/key.pem"],
        }
    )
    assert ended.status == 0
    assert ended.out.endswith(
        "registry.json created: hostUrl, password, port, tls.certFile, tls.key\n"
    )
    assert kept() == {
        "hostUrl": "https://x.org",
        "password": f"@{SECRET}",
        "port": 5433,
        "tls": {"certFile": PEM, "key": PEM},
    }
    for words in (
        "hostUrl: The address of the clinic.\n  needed > ",
        "  it is needed\n",
        "password: The user's password.\n  optional, not shown > ",
        "port: The port.\n  Enter: 5432 > ",
        "  Input should be a valid integer",
        "a key has several lines: save it in a file",
        "that file cannot be read: No such file",
    ):
        assert words in ended.err
    assert "https://x.org" in ended.echoed


def test_enter_keeps_what_is_set_and_a_minus_takes_it_away(ask, kept, project):
    before = {
        "hostUrl": "https://x.org",
        "password": SECRET,
        "port": 1,
        "mine": [1],
        "mode": "fast",
    }
    project.write("credentials/registry.json", json.dumps(before))
    ended = ask({"port": "-", "mode": "safe", "replace": "y"}, "--json")
    assert "hostUrl: The address of the clinic.\n  set; Enter keeps it > " in ended.err
    assert "  set; Enter keeps it, - removes it, not shown > " in ended.err
    assert "replace " in ended.err
    assert json.loads(ended.out)["done"] == "replaced"
    del before["port"]
    assert kept() == {**before, "mode": "safe"}


def test_what_does_not_fit_together_is_asked_once_more_with_what_was_given(ask, kept):
    ended = ask(
        {"hostUrl": ["https://x.org", ""], "access_token": ["", SECRET], "mode": ["fast", ""]}
    )
    assert "the credential needs password or access_token. Once more" in ended.err
    assert kept() == {"hostUrl": "https://x.org", "access_token": SECRET, "mode": "fast"}


def test_no_at_the_end_leaves_all_as_it_was(ask, kept, project):
    project.write("credentials/registry.json", json.dumps(BODY))
    ended = ask({"port": "7", "replace": "n"})
    assert (ended.status, ended.out.strip()) == (1, "")
    assert kept() == BODY


def test_control_d_ends_it_and_nothing_is_written(project, ask):
    with _terminal(project.folder) as terminal:
        terminal.until_asked()
        os.write(terminal.keyboard, b"\x04")
        assert terminal.process.wait(30) == 1
    assert not (project.folder / "credentials").exists()
