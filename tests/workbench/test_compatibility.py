"""`ofn check` warns where OpenFn's engine matched `criteria` differently."""

from __future__ import annotations

import json

import pytest

from tests.support.containment_cases import CASES
from tests.workbench.conftest import DIGEST
from workbench.project.compatibility import engine_differences, warnings


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ({"form": {"@name": "Visit"}}, 'required "form" to be equal'),
        ({"tags": ["a"]}, 'required "tags" to be equal'),
        ({"reviewed": None}, 'also matched messages without "reviewed"'),
        ({"group1/name": "x"}, 'read "group1/name" as a path'),
        ({"@xmlns": "x"}, 'read "@xmlns" as a path'),
        ({}, "also matched bodies that are not objects"),
        (["a"], "accepted only an object here"),
        ("a", "accepted only an object here"),
    ],
)
def test_difference_is_described(fragment, text):
    (difference,) = engine_differences(fragment)
    assert difference.startswith(f"OpenFn's engine {text}")


@pytest.mark.parametrize("fragment", [{"formId": "a"}, {"a": 1, "b_2": True, "C": "x"}])
def test_fragment_that_matches_alike_has_no_warning(fragment):
    assert list(engine_differences(fragment)) == []


def test_every_case_that_the_engine_matched_differently_has_a_warning():
    differing = [case for case in CASES if case.get("engine_match", case["match"]) != case["match"]]
    assert len(differing) > 30
    silent = [case["name"] for case in differing if not list(engine_differences(case["fragment"]))]
    assert silent == []


def test_openfn_triggers_are_accepted_with_warnings_on_their_lines(ofn, project):
    project.write(
        "project.yaml",
        f"""\
name: demo
inboxes: {{field: {{id_sha256: {DIGEST}}}}}
triggers:
  trigger-1:
    criteria: '{{"number":2}}'
  trigger-2:
    criteria: '{{"form":{{"@xmlns":"http://openrosa.org/x"}}, "b": null}}'
  trigger-3:
    cron: '* * * * *'
  trigger-4:
    success: job-1
  trigger-5:
    failure: job-1
jobs:
  job-1: {{trigger: trigger-1, expression: jobs/go.py}}
  job-2: {{trigger: trigger-2, expression: jobs/go.py}}
  job-3: {{trigger: trigger-3, expression: jobs/go.py}}
  job-4: {{trigger: trigger-4, expression: jobs/go.py}}
  job-5: {{trigger: trigger-5, expression: jobs/go.py}}
""",
    )
    assert [warning.line for warning in warnings(project.folder)] == [7, 7]
    ended = ofn("check", "--project", project.folder)
    first, second, last = ended.out.splitlines()
    assert first.startswith("warning: project.yaml:7: triggers.trigger-2.criteria: OpenFn's engine")
    assert "required" in first + second
    assert last == "demo: 1 inbox, 5 triggers, 5 jobs. No problems found."
    result = json.loads(ofn("check", "--project", project.folder, "--json").out)
    assert [note["line"] for note in result["notes"]] == [7, 7]


def test_list_with_one_fragment_is_pointed_out(project):
    inclusion = "inclusion: {formId: registration}"
    for several in ("[{a: 1}, {b: 2}]", "[[{a: 1}]]"):
        project.change(inclusion, f"inclusion: {several}")
        assert warnings(project.folder) == []
    project.change(inclusion, "inclusion:\n    - a: 1")
    (warning,) = warnings(project.folder)
    assert str(warning).startswith("project.yaml:6: triggers.form.inclusion: This list has one")
