"""`ofn --help` lists the commands in three groups."""

from __future__ import annotations

from typer.main import get_command

from workbench.cli.main import app

GROUPS = {
    "Develop": [
        "init",
        "check",
        "match",
        "try",
        "compare",
        "test",
        "serve",
        "received",
        "demo",
        "new-adaptor",
    ],
    "Operate": [
        "doctor",
        "status",
        "console",
        "messages",
        "runs",
        "show",
        "logs",
        "replay",
        "erase",
        "dead-letters",
        "restore",
        "run",
        "cost",
    ],
    "Secrets": ["inbox", "credential"],
}


def commands():
    return get_command(app).commands


def test_every_command_is_in_exactly_one_group():
    groups = {name: command.rich_help_panel for name, command in commands().items()}
    assert groups == {name: group for group, names in GROUPS.items() for name in names}


def test_every_command_has_a_one_line_help_text():
    texts = {name: command.get_short_help_str(limit=200) for name, command in commands().items()}
    assert [name for name, text in texts.items() if not text.endswith(".")] == []
