"""docs/scale.md shows what its benchmarks print."""

from __future__ import annotations

import pytest

from benchmarks import capacity, cost, history, tick
from tests.conftest import ROOT

PAGE = (ROOT / "docs/scale.md").read_text("utf-8")


def cells(row):
    return [cell.strip(" *") for cell in row.strip("|").split("|")]


def documented_rows(heading):
    """Return the cells of the table below a heading of the page."""
    section = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    return [cells(row) for row in section.splitlines() if row.startswith("|")]


def test_documented_costs_are_those_that_the_benchmark_prints():
    printed = [cells(row) for row in cost.table()]
    for documented, row in zip(documented_rows("A million messages"), printed, strict=True):
        assert documented[0] == row[0]
        # A millisecond more or less in a log line changes its length.
        if row[0] != "US dollars a million" and row[1] != "---":
            figures = [float(cell) for cell in row[1:]]
            assert [float(cell) for cell in documented[1:]] == pytest.approx(
                figures, rel=0.02, abs=0.02
            )


def test_documented_limits_are_those_that_the_benchmark_prints():
    limits = capacity.limits()
    printed = [cells(row) for row in capacity.table(limits)]
    assert documented_rows("Which limit comes first") == printed
    for rate in capacity.RATES:
        assert f"- {rate:,} a second: {capacity.first(limits, rate)}" in PAGE


def test_documented_limits_of_the_tick_are_those_that_the_benchmark_prints():
    printed = [cells(row) for row in tick.table_of(tick.measure())]
    assert documented_rows("The tick") == printed


def test_documented_costs_of_the_history_are_those_that_the_benchmark_prints():
    printed = [cells(row) for row in history.table(history.measure())]
    for documented, row in zip(documented_rows("The history"), printed, strict=True):
        assert documented[0] == row[0]
        if row[1].startswith("0."):
            costs = [float(cell) for cell in row[1:]]
            assert [float(cell) for cell in documented[1:]] == pytest.approx(costs, rel=0.1)


def test_limits_are_those_of_the_smallest_regions():
    limits = {limit.name: limit.available for limit in capacity.limits()}
    assert limits["requests per second to all APIs of the account, small regions"] == 2_500
    assert limits["calls per second to a queue, small regions"] == 2_400


def test_the_quotas_of_all_regions_are_documented():
    api, queues, *_ = documented_rows("Quotas of your region")[2:]
    assert [f"{count:,}" in " ".join(api) for count in capacity.API_REQUESTS.values()] == [True] * 2
    for regions, count in capacity.FIFO_CALLS.items():
        names = regions.replace(", ", " and ").split(" and ")
        assert f"{count:,} in " in " ".join(queues)
        assert all(name in " ".join(queues) for name in names)
