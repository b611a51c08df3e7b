"""How the console of this machine is opened: beside `ofn serve`, and with `ofn console`."""

from __future__ import annotations

import re
from functools import partial

import pytest
import requests
from typer.testing import CliRunner

from tests.conftest import ROOT
from workbench.cli.main import app
from workbench.console import beside_stack
from workbench.errors import CommandError
from workbench.local.http_server import choose_console_port
from workbench.local.serve import Options
from workbench.local.session import Session
from workbench.local.stack import create_in_folder, create_stack

LINK = re.compile(r"http://127\.0\.0\.1:\d+/\?key=\S+")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a local stack, found from the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".openfn").mkdir(mode=0o700)
    return tmp_path / ".openfn"


@pytest.fixture
def open_console(folder):
    """Serve the console as `ofn serve` does; yields what it prints."""
    options = Options(
        *(ROOT / "project", ROOT / "project/credentials", folder),
        *(0, "127.0.0.1", None, None, None),
    )
    create_resources = partial(create_in_folder, folder)
    with create_stack(ROOT / "project", create_resources=create_resources) as stack:
        session = Session(options.project, options.credentials, None, stack, None, "http://x")
        yield lambda: beside_stack.open_console(options, session, 0)


def test_without_a_terminal_no_key_is_printed(open_console):
    with open_console() as printed:
        assert re.search(r"http://127\.0\.0\.1:\d+ ", printed)
        assert "key=" not in printed


def test_ofn_console_prints_a_link_to_the_running_console(open_console, folder):
    with open_console(), requests.Session() as session:
        result = CliRunner().invoke(app, ["console"])
        assert result.exit_code == 0, result.output
        link = LINK.search(result.output)[0]
        page = session.get(link, timeout=10)
        assert (page.status_code, page.url) == (200, link.partition("?")[0])
        assert "Latest messages" in page.text
        assert requests.get(link, timeout=10).status_code == 401
    assert (folder / "console-secret").stat().st_mode & 0o077 == 0


def test_terminal_shows_a_link(open_console, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with open_console() as printed:
        assert requests.get(LINK.search(printed)[0], timeout=10).status_code == 200


def test_console_port_follows_the_port_of_the_inboxes():
    unused_port = 47_113
    assert choose_console_port(0, None) == 0
    assert choose_console_port(unused_port, None) in (0, unused_port + 1)
    with pytest.raises(CommandError, match="used twice"):
        choose_console_port(unused_port, unused_port)
