"""CommCare household visit → PostgreSQL."""

import pytest

from workbench.testing import event, run_job


@pytest.fixture
def form():
    return event("visit.json")


def test_visit_becomes_household_visit_and_member_rows(form):
    household, visit, members = run_job("record-visit", form).requests
    assert household.values == ("b7d4c2a0-household", "Kissy")
    assert 'INSERT INTO "visit"' in visit.sql
    assert members.rows == 2


def test_repeat_with_one_entry_becomes_one_row(form):
    form["form"]["member"] = form["form"]["member"][0]
    *_, members = run_job("record-visit", form).requests
    assert "Amina" in members.values


def test_household_without_members_is_written(form):
    del form["form"]["member"]
    assert len(run_job("record-visit", form).requests) == 2
