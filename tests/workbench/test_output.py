"""Results are tables on a terminal and plain lines elsewhere."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from adaptors._runtime.dry_run import DryRow, DryRows, DryStatement
from openfn.history.why_not import MatchResult
from workbench.cli import output
from workbench.cli.local.demo import print_deliveries
from workbench.cli.match import print_results
from workbench.cli.trial.view import print_local_run
from workbench.local.demo import Delivery
from workbench.local.destination import Received
from workbench.testing.local_run import LocalRun

VERDICTS = [
    MatchResult("form", matches=True),
    MatchResult("other", matches=False, why="a: expected [b], found 1"),
]
JOBS = {"form": [], "other": ["go"]}


@pytest.fixture
def printed():
    """Return what a view prints on a terminal or elsewhere."""

    def text(function, *arguments, terminal=False):
        file = StringIO()
        console = Console(file=file, force_terminal=terminal, width=80, color_system=None)
        function(console, *arguments)
        return file.getvalue()

    return text


def test_verdicts_are_a_table_on_a_terminal(printed):
    lines = printed(print_results, VERDICTS, JOBS, terminal=True).splitlines()
    assert "why not" in lines[0]
    assert "a: expected [b], found 1" in lines[2]


def test_verdicts_are_one_line_each_elsewhere(printed):
    assert printed(print_results, VERDICTS, JOBS).splitlines() == [
        "form matches, runs no job",
        "other does not match: a: expected [b], found 1",
    ]


def test_text_with_a_line_break_does_not_look_like_two_rows(printed):
    rows = [("run-1", "failed", "ValueError: Amina\nrun-2 succeeded"), ("run-3", "", "")]
    assert printed(output.table, ("run", "status", "error"), rows).splitlines() == [
        "run-1 failed ValueError: Amina\\nrun-2 succeeded",
        "run-3",
    ]


@pytest.mark.parametrize("width", [200, 130, 80, 30])
def test_no_cell_of_a_table_is_cut(width):
    run_id, job = f"{'0' * 36}#register-household", "register-household"
    row = (run_id, "2026-11-20 10:00:00", "failed", job, "a long text " * 4)
    file = StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system=None)
    output.table(console, ("run", "received", "status", "job", "error"), [row])
    printed = file.getvalue()
    assert all(cell in printed for cell in row[:4])
    assert printed.count("long") == printed.count("text") == 4
    assert "…" not in printed


def test_statement_with_many_rows_is_shown_once_with_all_rows(printed):
    rows = DryRows(DryRow((f"[{number}]",)) for number in range(1_500))
    statement = DryStatement("INSERT INTO t (a) VALUES ($1)", ("[0]",), rows)
    local_run = LocalRun({}, None, "", (statement, DryStatement("select 1", ("7",))))
    first, *lines = printed(print_local_run, "job", local_run).splitlines()
    assert first == "would execute INSERT INTO t (a) VALUES ($1)"
    assert lines[:1_500] == [f"  ['[{number}]']" for number in range(1_500)]
    assert lines[1_500:1_502] == ["would execute select 1", "  ['7']"]


def test_steps_are_lines_without_a_terminal(printed):
    def both(console):
        with output.steps(console) as step:
            step("posting")

    assert printed(both) == "posting …\n"
    assert "\n\n" not in printed(both, terminal=True)


def test_received_body_is_shown_literally_and_truncated(printed):
    received = Received("POST", "/x", None, b"[red]" + b"y" * 1000)
    delivery = Delivery("Kobo", "200 {}", "id", ("form",), ("go succeeded",), (received,))
    text = printed(print_deliveries, [delivery])
    assert "Kobo arrived\n" in text
    assert f"  received  POST /x [red]{'y' * 395}… (1005 characters)\n" in text
    assert text.endswith("1 of 1 posts arrived\n")


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery("Kobo", "503 {}", None, (), (), ()),
        Delivery("Kobo", "200 {}", "id", (), (), ()),
        Delivery("Kobo", "200 {}", "id", ("form",), (), ()),
        Delivery("Kobo", "200 {}", "id", ("form",), ("go failed: line 1",), ()),
        Delivery("Kobo", "200 {}", "id", ("form",), ("go succeeded",), ()),
    ],
    ids=["refused", "unmatched", "not run", "failed", "not received"],
)
def test_post_that_is_lost_at_any_stage_did_not_arrive(printed, delivery):
    assert "Kobo DID NOT ARRIVE\n" in printed(print_deliveries, [delivery])
    assert delivery.as_dict()["arrived"] is False
