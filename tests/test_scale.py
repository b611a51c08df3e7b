"""docs/scale.md says what its commands print."""

from __future__ import annotations

import pytest

from benchmarks import capacity, cost
from tests.conftest import ROOT

TEXT = (ROOT / "docs/scale.md").read_text("utf-8")


def cells(row):
    return [each.strip(" *") for each in row.strip("|").split("|")]


def documented(heading):
    section = TEXT.split(f"## {heading}")[1].split("\n## ")[0]
    return [cells(row) for row in section.splitlines() if row.startswith("|")]


def test_a_million_messages_cost_what_the_page_says():
    printed = [cells(row) for row in cost.table()]
    for page, row in zip(documented("A million messages"), printed, strict=True):
        # A millisecond more or less in a log line is a digit more or less.
        assert page[0] == row[0]
        if row[0] != "US dollars a million" and row[1] != "---":
            figures = [float(each) for each in row[1:]]
            assert [float(each) for each in page[1:]] == pytest.approx(figures, rel=0.02, abs=0.02)


def test_the_limits_come_as_the_page_says():
    found = capacity.limits()
    printed = [cells(row) for row in capacity.table(found)]
    assert documented("Which limit comes first") == printed
    for rate in capacity.RATES:
        assert f"- {rate:,} a second: {capacity.first(found, rate)}" in TEXT
