"""Where OpenFn's engine would have matched `criteria` differently, a note says so."""

from __future__ import annotations

import json

import pytest

from tests.support.containment_cases import CASES
from workbench.project.compatibility import engine_differences, notes


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ({"form": {"@name": "Visit"}}, 'wanted "form" to be equal as a whole'),
        ({"tags": ["a"]}, 'wanted "tags" to be equal as a whole'),
        ({"reviewed": None}, 'also took a message without "reviewed"'),
        ({"group1/name": "x"}, 'read "group1/name" as a path'),
        ({"@xmlns": "x"}, 'read "@xmlns" as a path'),
        ({}, "took bodies that are no object as well"),
        (["a"], "took only an object here"),
        ("a", "took only an object here"),
    ],
)
def test_a_difference_is_said_in_words(fragment, words):
    (difference,) = engine_differences(fragment)
    assert difference.startswith(words)


@pytest.mark.parametrize("fragment", [{"formId": "a"}, {"a": 1, "b_2": True, "C": "x"}])
def test_of_what_both_match_alike_nothing_is_said(fragment):
    assert list(engine_differences(fragment)) == []


def test_every_case_in_which_the_engine_answers_differently_has_its_note():
    differing = [case for case in CASES if case.get("engine_match", case["match"]) != case["match"]]
    assert len(differing) > 30
    silent = [case["name"] for case in differing if not list(engine_differences(case["fragment"]))]
    assert silent == []


def test_openfn_s_own_triggers_are_taken_as_they_are_with_notes_on_their_lines(ofn, project):
    project.write(
        "project.yaml",
        f"""\
name: demo
inboxes: {{field: {{id_sha256: {"a" * 64}}}}}
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
    assert [each.line for each in notes(project.folder)] == [7, 7]
    ended = ofn("check", "--project", project.folder)
    first, second, last = ended.out.splitlines()
    assert first.startswith("note: project.yaml:7: triggers.trigger-2.criteria: OpenFn's engine")
    assert "wanted" in first + second
    assert last == "demo: 1 inboxes, 5 triggers, 5 jobs; nothing to mend"
    told = json.loads(ofn("check", "--project", project.folder, "--json").out)
    assert [each["line"] for each in told["notes"]] == [7, 7]
