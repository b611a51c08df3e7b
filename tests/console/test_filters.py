"""The filter playground: filters from ticked values, tried on what arrived, and written."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import fragments, site, trees
from console.site import Site
from openfn.messages import bodies
from openfn.project.fragments import contains
from tests.console.conftest import Browser, sample, send
from tests.console.test_pages import text_of
from workbench.console.project_tools import ProjectTools
from workbench.project import trigger_edits
from workbench.project.compiler import check, message_triggers

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["no", "yes", "null", "~", "1.0", "0x1f", "2026-03-09", "- a", "a: b", "#x"]),
    st.sampled_from(["@name", "", " ", "a\nb", "\t", "'", '"', "\\", "\x00", "\x85", "\u202e"]),
    st.sampled_from(["\ufeff", "\uffff", "\U0001f600", "\ud800", "<<", "=", "!x", "&a", "*a", "?"]),
)
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([10**30, -(10**4000), 10**4001, 12345678901234567890]),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal(t) for t in ("1.0", "1e400", "0.1", "-0.0", "1E+2", "0E-7")]),
)
BODIES = st.recursive(
    st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(BODIES, st.randoms(use_true_random=False))
def test_any_body_matches_the_filter_of_any_of_its_leaves(body, random):
    leaves = list(trees.leaves(body))
    ticked = {number for number in range(len(leaves)) if random.random() < 0.5}
    if not isinstance(body, dict | list) and not fragments.can_be_ticked((), body):
        return
    text = fragments.to_inclusion(fragments.compose(body, ticked))
    trigger = trigger_edits.parse_filter(text)
    assert [contains(body, inclusion) for inclusion in trigger.inclusions] == [True]


@pytest.mark.parametrize(
    ("body", "ticked", "expected"),
    [
        ({"_xform_id_string": "groupz", "n": 1}, {0}, "_xform_id_string: groupz"),
        ({"no": "1.0", "@a": None}, {0, 1}, '"no": "1.0"\n"@a": null'),
        ({"list": [{"a": 1, "b": 2}, {"a": 3}]}, {0, 2}, "list:\n  - a: 1\n  - a: 3"),
        ([{"a": 1}], {0}, "- - a: 1"),
        ({"a": 1}, set(), "{}"),
        ({"a": bodies.parse_exact(b"12345678901234567890")}, {0}, "a: 12345678901234567890"),
        ({"true": "null", "b": "~"}, {0, 1}, '"true": "null"\nb: "~"'),
        ({"a": "\u202eb"}, {0}, 'a: "\\u202eb"'),
    ],
)
def test_filters_are_readable_yaml(body, ticked, expected):
    assert fragments.to_inclusion(fragments.compose(body, ticked)) == expected


def test_tree_and_filter_number_the_leaves_alike():
    body = {"a": [1, {"b": []}], "c": {}, "d": {"e": None}}
    shown = []

    def walk(node):
        if node.leaf is not None:
            shown.append((node.leaf, node.value))
        for child in node.children:
            walk(child)

    walk(trees.build(body)[0])
    assert shown == list(enumerate(value for _, value in trees.leaves(body)))


@pytest.fixture
def editor(browser, project):
    """The browser, with the tools of a copy of the project."""
    current = site.current()
    tools = ProjectTools(project, "openfn")
    with site.use(Site("openfn", current.access, "local", current.inbox_urls, tools)):
        yield Browser(browser.access, browser.cookie)


@pytest.fixture(scope="module")
def unmatched(stack):
    send(stack, sample(_uuid="another"))
    return send(stack, sample(_xform_id_string="groupz", _uuid="unmatched"))


def leaf_of(page, key):
    """Return the number of the checkbox beside a key."""
    return re.search(rf'name="leaf" value="(\d+)"[^>]*> <span class="key"><bdi>{key}<', page.text)[
        1
    ]


def yaml_of(page):
    return re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)[1]


def ticked_form(editor, message, key="_xform_id_string", **fields):
    leaf = leaf_of(editor.get(f"/filter?message={message}"), key)
    return {"message": message, "inbox": "field-data", "leaf": [leaf], "action": "compose"} | fields


def test_ticked_value_becomes_a_filter_that_is_tried(editor, unmatched):
    page = editor.post("/filter", ticked_form(editor, unmatched))
    assert yaml_of(page) == "_xform_id_string: groupz"
    assert "it matches 1" in text_of(page)
    assert "1 of these matches no trigger now." in text_of(page)


def test_edited_filter_is_tried_and_problems_are_named(editor, unmatched):
    form = {"message": unmatched, "inbox": "field-data", "action": "try"}
    page = editor.post("/filter", form | {"text": "{}"})
    assert yaml_of(page) == "{}"
    assert "it matches 2" in text_of(page)
    broken = editor.post("/filter", form | {"text": "a: [1"})
    assert "This is not YAML" in broken.text
    assert "several fragments" in editor.post("/filter", form | {"text": "[]"}).text


def test_filter_of_a_trigger_shows_what_a_change_would_lose(editor, unmatched):
    page = editor.get("/filter?trigger=kobo-household")
    assert yaml_of(page) == "_xform_id_string: groups"
    form = {"trigger": "kobo-household", "inbox": "field-data", "action": "try"}
    changed = editor.post("/filter", form | {"text": "_xform_id_string: groupz"})
    assert "1 message matches the trigger now, and would not match any more." in text_of(changed)


@pytest.mark.parametrize("change", ["add", "replace", "new"])
def test_filter_is_written_and_comments_stay(editor, project, unmatched, change):
    before = (project / "project.yaml").read_text("utf-8")
    fields = {"action": "save", "change": change, "text": "_xform_id_string: groupz"}
    target = {"target": "kobo-household", "name": "groupz-form", "job": "register-household"}
    page = editor.post("/filter", ticked_form(editor, unmatched, **fields, **target))
    assert "is saved in project.yaml" in text_of(page)
    after = (project / "project.yaml").read_text("utf-8")
    comments = re.findall("#.*", before)
    assert [comment for comment in comments if comment not in after] == []
    spec = check(project)
    name = "groupz-form" if change == "new" else "kobo-household"
    assert name in spec.jobs["register-household"].trigger
    trigger = next(each for each in message_triggers(spec) if each.name == name)
    both = ({"_xform_id_string": "groups"}, {"_xform_id_string": "groupz"})
    assert trigger.inclusions == (both if change == "add" else both[1:])


@pytest.mark.parametrize(
    "fields",
    [
        {"change": "new", "name": "kobo-household"},
        {"change": "new", "name": "no spaces"},
        {"change": "new", "name": ""},
        {"change": "new", "name": "x", "job": "nope"},
        {"change": "replace", "target": "nope"},
        {"change": "replace", "target": "kobo-household", "text": "- just text"},
        {"change": "add", "target": "kobo-household", "text": "a: ["},
    ],
)
def test_invalid_changes_are_refused_and_nothing_is_written(editor, project, unmatched, fields):
    before = (project / "project.yaml").read_text("utf-8")
    form = {"text": "a: 1", "job": "register-household", "action": "save"} | fields
    page = editor.post("/filter", ticked_form(editor, unmatched, **form))
    assert 'class="notice bad"' in page.text
    assert (project / "project.yaml").read_text("utf-8") == before


def test_without_tools_filters_are_composed_only(browser, unmatched):
    page = browser.post("/filter", ticked_form(browser, unmatched, text="ignored: 1"))
    assert yaml_of(page) == "_xform_id_string: groupz"
    assert "readonly" in page.text
    assert "Write it into project.yaml" not in page.text
    saved = browser.post("/filter", ticked_form(browser, unmatched, action="save", change="new"))
    assert saved.status == 404
    assert browser.get(f"/try?message={unmatched}&job=register-household").status == 404


def test_job_is_tried_again_after_a_save_and_sends_nothing(editor, project, unmatched):
    url = f"/try?message={unmatched}&job=register-household"
    page = editor.get(url)
    assert "https://registry.invalid/households/" in page.text
    assert "The job succeeds on this message." in text_of(page)
    job = project / "jobs/register_household.py"
    job.write_text("from adaptors.common import fn\n\nfn(lambda state: 1 / 0)\n", "utf-8")
    failed = editor.get(url)
    assert "ZeroDivisionError" in failed.text
    assert 'class="line failed"><span class="number">3</span>' in failed.text


SEES_ENVIRONMENT = """
import os
from adaptors.common import fn

fn(lambda state: {**state, "env": dict(os.environ)})
"""
NEVER_ENDS = """
from adaptors.common import fn

def work(state):
    while True:
        pass

fn(work)
"""


def test_job_sees_no_secret_of_the_console_and_ends(editor, project, unmatched, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    url = f"/try?message={unmatched}&job=register-household"
    job = project / "jobs/register_household.py"
    job.write_text(SEES_ENVIRONMENT, "utf-8")
    page = editor.get(url)
    assert "env.PATH" in page.text
    assert "planted" not in page.text
    monkeypatch.setattr("workbench.console.trials._SECONDS", 2)
    job.write_text(NEVER_ENDS, "utf-8")
    assert "has not ended within 2 seconds" in text_of(editor.get(url))


def test_trials_that_other_sites_cause_are_refused(editor, unmatched):
    url = f"/try?message={unmatched}&job=register-household"
    assert editor.get(url, **{"sec-fetch-site": "cross-site"}).status == 403


def test_json_numbers_keep_their_digits(editor, stack):
    message = send(stack, '{"big": 12345678901234567890, "fraction": 1.10}')
    page = editor.get(f"/filter?message={message}")
    assert "12345678901234567890" in page.text
    form = ticked_form(editor, message, "big")
    assert yaml_of(editor.post("/filter", form)) == "big: 12345678901234567890"
    assert json.loads(editor.get(f"/messages/{message}/body").text)["fraction"] == 1.1
