"""CommCare household visit → PostgreSQL."""

import pytest

from workbench.jobtests import event, run_job


@pytest.fixture
def form():
    return event("visit.json")


def test_a_visit_is_a_household_a_visit_and_a_row_for_each_member(form):
    household, visit, members = run_job("record-visit", form).requests
    assert household.values == ("b7d4c2a0-household", "Kissy")
    assert 'INSERT INTO "visit"' in visit.sql
    assert members.rows == 2


def test_a_repeat_of_one_comes_as_an_object_and_is_a_row_too(form):
    form["form"]["member"] = form["form"]["member"][0]
    *_, members = run_job("record-visit", form).requests
    assert "Amina" in members.values


def test_a_household_without_members_is_written(form):
    del form["form"]["member"]
    assert len(run_job("record-visit", form).requests) == 2
