"""docs/jobs.md: its jobs run, and it lists all of adaptors.common and every tested idiom."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from markdown_it import MarkdownIt

from adaptors import common
from openfn.jobs.expression import load
from tests.adaptors.test_idioms import IDIOMS
from tests.conftest import ROOT
from workbench.credentials.placeholders import configuration
from workbench.testing.local_run import run_locally, state_from_post

PAGE = (ROOT / "docs/jobs.md").read_text("utf-8")
CODE_BLOCKS = [token.content for token in MarkdownIt().parse(PAGE) if token.type == "fence"]
JOBS = [code for code in CODE_BLOCKS if "from adaptors." in code]
TUTORIAL_JOBS = [code for code in JOBS if "adaptors.dhis2" in code]


@pytest.mark.parametrize("code", JOBS, ids=range(len(JOBS)))
def test_every_job_on_the_page_loads(tmp_path, code):
    path = tmp_path / "job.py"
    path.write_text(code, "utf-8")
    assert load(path)


@pytest.mark.parametrize("code", TUTORIAL_JOBS, ids=range(len(TUTORIAL_JOBS)))
def test_every_step_of_the_tutorial_sends_the_event_of_the_kobo_post(tmp_path, code):
    path = tmp_path / "job.py"
    path.write_text(code, "utf-8")
    state = state_from_post((ROOT / "events/kobo_household.json").read_bytes(), {})
    placeholder = configuration("dhis2", "https://dhis2.invalid")
    run = run_locally(path, state, placeholder, dry=True)
    assert run.error is None
    (request,) = run.requests
    (event,) = request.json["events"]
    assert event["occurredAt"] == "2016-04-22T06:38:20"
    assert event["dataValues"][0]["value"] in {"19", "adult"}


def test_the_example_tests_on_the_page_pass():
    (code,) = [block for block in CODE_BLOCKS if "workbench.testing" in block]
    namespace = {}
    exec(code, namespace)
    tests = [value for name, value in namespace.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_every_name_of_adaptors_common_is_listed():
    section = PAGE.split("## adaptors.common")[1].split("\n## ")[0]
    listed = set(re.findall(r"`(\w+)[(`]", section))
    for_adaptor_authors = {
        "operation",
        "resolve",
        "next_state",
        "State",
        "Operation",
        "Value",
        "json_value",
    }
    assert set(common.__all__) - for_adaptor_authors <= listed


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_every_tested_idiom_is_in_the_table_in_both_languages(idiom):
    assert len(IDIOMS) == 10
    assert dedent(idiom.javascript).strip() in PAGE
    assert dedent(idiom.python).strip() in PAGE
