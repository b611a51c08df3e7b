"""docs/jobs.md: its jobs run, and it has all of adaptors.common and the idioms that are tested."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from markdown_it import MarkdownIt

from adaptors import common
from openfn.expressions import load
from tests.adaptors.test_idioms import IDIOMS
from tests.conftest import ROOT
from workbench.placeholders import configuration
from workbench.trial import attempt, posted

TEXT = (ROOT / "docs/jobs.md").read_text("utf-8")
FENCES = [each.content for each in MarkdownIt().parse(TEXT) if each.type == "fence"]
JOBS = [each for each in FENCES if "from adaptors." in each]
LESSON = [each for each in JOBS if "adaptors.dhis2" in each]


@pytest.mark.parametrize("code", JOBS, ids=range(len(JOBS)))
def test_each_job_of_the_page_can_be_loaded(tmp_path, code):
    path = tmp_path / "job.py"
    path.write_text(code, "utf-8")
    assert load(path)


@pytest.mark.parametrize("code", LESSON, ids=range(len(LESSON)))
def test_each_step_of_the_lesson_sends_the_event_of_the_kobo_post(tmp_path, code):
    path = tmp_path / "job.py"
    path.write_text(code, "utf-8")
    state = posted((ROOT / "events/kobo_household.json").read_bytes(), {})
    made_up = configuration("dhis2", "https://dhis2.invalid")
    done = attempt(path, state, made_up, dry=True)
    assert done.error is None
    (sent,) = done.requests
    (event,) = sent.json["events"]
    assert event["occurredAt"] == "2016-04-22T06:38:20"
    assert event["dataValues"][0]["value"] in {"19", "adult"}


def test_the_test_of_the_page_passes():
    (code,) = [each for each in FENCES if "workbench.jobtests" in each]
    names = {}
    exec(code, names)
    tests = [each for name, each in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_all_of_common_is_named_and_nothing_that_is_not_there():
    section = TEXT.split("## adaptors.common")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)[(`]", section))
    model = {"operation", "resolve", "next_state", "State", "Operation", "Value", "json_value"}
    assert set(common.__all__) - model <= named


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_the_table_has_each_idiom_that_is_tested_in_both_languages(idiom):
    assert len(IDIOMS) == 10
    assert dedent(idiom.javascript).strip() in TEXT
    assert dedent(idiom.python).strip() in TEXT
