"""`ofn credential set` on a terminal asks for each key and shows no secret."""

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
    """A program that asks on a terminal, and everything it printed."""

    process: subprocess.Popen
    keyboard: int
    printed: str = ""

    def read_question(self):
        """Read up to the next question and return the text, or None at the end."""
        start = len(self.printed)
        while not self.printed[start:].endswith((" > ", "[y/N]:")):
            assert select.select([self.process.stderr], [], [], 30)[0], "it prints nothing"
            more = os.read(self.process.stderr.fileno(), 4096).decode()
            if not more:
                return None
            self.printed += more
        return self.printed[start:]

    def answer(self, text):
        os.write(self.keyboard, f"{text}\n".encode())

    def fill_in(self, answers):
        """Answer each question by its key, or with Enter, and return the keys."""
        keys = [""]
        while (question := self.read_question()) is not None:
            *_, before, last = ["", *question.splitlines()]
            key = "replace" if last.startswith("replace ") else before.partition(":")[0]
            keys.append(keys[-1] if key.startswith(" ") else key)  # asked again after an error
            assert len(keys) < 50
            answer = answers.get(keys[-1], "")
            self.answer(answer.pop(0) if isinstance(answer, list) else answer)
        return keys[1:]


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str
    echoed: str
    keys: list


@pytest.fixture
def ask(project):
    """Set the credential on a terminal with these answers."""
    project.write("project.yaml", f"{GOOD}credentials: {{registry: {{adaptor: clinic}}}}\n")

    def run(answers, *options):
        with _terminal(project.folder, *options) as terminal:
            keys = terminal.fill_in(answers)
            out = terminal.process.stdout.read().decode()
            status = terminal.process.wait(30)
            echoed = os.read(terminal.keyboard, 65536).decode()
        assert SECRET not in terminal.printed + echoed + out
        return Ended(status, out, terminal.printed, echoed, keys)

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
        start_new_session=True,  # otherwise it asks for the password on the developer's terminal
    ) as process:
        try:
            yield Terminal(process, keyboard)
        finally:
            process.kill()
    os.close(screen)
    os.close(keyboard)


@pytest.fixture
def stored_credential(project):
    """Read the credential's file."""
    path = project.folder / "credentials/registry.json"
    return lambda: json.loads(path.read_text("utf-8"))


def test_every_key_is_asked_for_with_its_description(ask, stored_credential, tmp_path):
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
    assert stored_credential() == {
        "hostUrl": "https://x.org",
        "password": f"@{SECRET}",
        "port": 5433,
        "tls": {"certFile": PEM, "key": PEM},
    }
    for text in (
        "hostUrl: The address of the clinic.\n  required > ",
        "  This key is required.\n",
        "password: The user's password.\n  optional, not shown > ",
        "port: The port.\n  Enter: 5432 > ",
        "  Write a whole number, or press Enter.\n",
        "A PEM key has several lines. Save it in a file",
        "That file cannot be read: No such file or directory.",
    ):
        assert text in ended.err
    assert "https://x.org" in ended.echoed


def test_enter_keeps_a_value_and_minus_removes_it(ask, stored_credential, project):
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
    assert stored_credential() == {**before, "mode": "safe"}


def test_invalid_credential_is_asked_for_again_with_the_previous_answers(ask, stored_credential):
    ended = ask(
        {"hostUrl": ["https://x.org", ""], "access_token": ["", SECRET], "mode": ["fast", ""]}
    )
    assert "The credential needs password or access_token. Try again." in ended.err
    assert stored_credential() == {
        "hostUrl": "https://x.org",
        "access_token": SECRET,
        "mode": "fast",
    }


def test_answer_no_changes_nothing(ask, stored_credential, project):
    project.write("credentials/registry.json", json.dumps(BODY))
    ended = ask({"port": "7", "replace": "n"})
    assert (ended.status, ended.out.strip()) == (1, "")
    assert stored_credential() == BODY


def test_control_d_aborts_without_writing(project, ask):
    with _terminal(project.folder) as terminal:
        terminal.read_question()
        os.write(terminal.keyboard, b"\x04")
        assert terminal.process.wait(30) == 1
    assert not (project.folder / "credentials").exists()
