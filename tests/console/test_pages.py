"""The pages on messages and runs."""

from __future__ import annotations

import html
import json
import re

import pytest

from console import exports, static_files
from openfn.history import audit
from openfn.history.audit import Action
from tests.console.conftest import sample, send

BIDI = "\u202egnirts\u202c"
HOSTILE = f"</pre><script>alert(1)</script>{BIDI}\x1b[2J"


@pytest.fixture(scope="module")
def delivered(stack):
    return send(stack, sample(_uuid="delivered"))


@pytest.fixture(scope="module")
def unmatched(stack):
    return send(stack, sample(_xform_id_string="groupz", _uuid="unmatched"))


@pytest.fixture(scope="module")
def failed(stack):
    """A message whose job fails: the age is a list."""
    return send(stack, sample(_uuid="failed", **{"group1/age": ["many"]}))


@pytest.fixture(scope="module")
def hostile(stack):
    return send(stack, json.dumps({HOSTILE: HOSTILE, "list": [HOSTILE, {HOSTILE: None}]}))


def text_of(page):
    """Return a page's text without its tags and with single spaces."""
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]*>", "", page.text)))


def test_health_names_what_needs_attention_with_links(browser, delivered, unmatched, failed):
    page = browser.get("/")
    assert "1 run of register-household failed" in text_of(page)
    assert 'href="/runs?state=failed&amp;job=register-household&amp;since=90d"' in page.text
    assert 'href="/messages?state=unmatched&amp;since=24h"' in page.text
    assert "<svg" in page.text
    assert "Messages by hour as a table" in page.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"delivered", "unmatched", "failed"}),
        ("?state=unmatched", {"unmatched"}),
        ("?inbox=commcare", set()),
        ("?job=register-household", {"delivered", "failed"}),
        ("?q=groupz", {"unmatched"}),
        ("?q=GROUPZ", {"unmatched"}),
        ("?since=1h&until=2h", set()),
        ("?since=nonsense&state=nonsense", {"delivered", "unmatched", "failed"}),
    ],
)
def test_filters_of_messages(browser, delivered, unmatched, failed, query, expected):
    names = {"delivered": delivered, "unmatched": unmatched, "failed": failed}
    text = browser.get(f"/messages{query}").text
    assert {name for name, message in names.items() if f"/messages/{message}" in text} == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"delivered", "failed"}),
        ("?state=failed", {"failed"}),
        ("?state=succeeded", {"delivered"}),
        ("?error=attributeerror", {"failed"}),
        ("?job=record-visit", set()),
        ("?inbox=field-data", {"delivered", "failed"}),
    ],
)
def test_filters_of_runs(browser, delivered, failed, query, expected):
    text = browser.get(f"/runs{query}").text
    names = {"delivered": delivered, "failed": failed}
    assert {name for name, run in names.items() if f"/runs/{run}/" in text} == expected


def test_unmatched_message_says_why(browser, unmatched):
    text = text_of(browser.get(f"/messages/{unmatched}"))
    nearest = text.partition("Which triggers match")[2]
    assert "kobo-household 1 value is missing" in nearest
    assert '_xform_id_string "groups" "groupz"' in nearest
    assert nearest.index("kobo-household") < nearest.index("commcare-visit")


def test_run_shows_error_source_and_states(browser, delivered, failed):
    page = browser.get(f"/runs/{failed}/register-household")
    assert "AttributeError" in page.text
    assert re.search(r'class="line failed"><span class="number">\d+</span>.*age', page.text)
    succeeded = text_of(browser.get(f"/runs/{delivered}/register-household"))
    assert "moved to references.0" in succeeded
    assert "attempt 1" in succeeded


@pytest.mark.parametrize(
    "path",
    [
        "/messages/01a21e83-0000-7000-8000-000000000000",
        "/messages/nope",
        "/runs/01a21e83-0000-7000-8000-000000000000/register-household",
        "/runs/nope/nope",
        "/nothing",
    ],
)
def test_unknown_pages_are_404(browser, path):
    assert browser.get(path).status == 404


def test_hostile_text_is_escaped_and_visible(browser, hostile):
    paths = [
        f"/messages/{hostile}",
        "/messages?q=" + "%3Cscript%3E%E2%80%AE",
        "/runs?error=%1b%3Cb%3E",
    ]
    for path in paths:
        text = browser.get(path).text
        assert "<script>alert" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert text.count("<script ") == 1
    assert r"\u202e" in browser.get(f"/messages/{hostile}").text


def test_body_is_downloaded_as_posted(browser, hostile):
    page = browser.get(f"/messages/{hostile}/body")
    assert json.loads(page.content)[HOSTILE] == HOSTILE
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["Content-Type"] == "application/octet-stream"


def test_large_bodies_are_shown_in_parts(browser, stack):
    message = send(stack, json.dumps({"rows": [{"n": n} for n in range(1000)]}))
    page = browser.get(f"/messages/{message}")
    assert page.text.count('class="leaf"') == 300
    assert page.text.count("<") / 2 < 5000
    last = browser.get(f"/messages/{message}?leaf=900")
    assert last.text.count('class="leaf"') == 104
    assert ">999<" in last.text


def test_deep_and_unreadable_bodies_have_a_page(browser, stack):
    deep = send(stack, "[" * 150 + "]" * 150)
    assert browser.get(f"/messages/{deep}").status == 200
    unreadable = send(stack, "{not json")
    page = browser.get(f"/messages/{unreadable}")
    assert "not JSON" in page.text
    assert "{not json" in page.text


def test_exports(browser, stack, delivered):
    send(stack, json.dumps({"a": "=1+1"}))
    lines = browser.get("/messages.jsonl?inbox=field-data").text.splitlines()
    assert {"message", "received", "inbox", "state", "body", "runs"} == set(json.loads(lines[0]))
    table = browser.get("/messages.csv").text
    assert delivered in table
    assert "register-household" in table
    assert delivered in browser.get("/runs.csv").text


def test_cells_that_a_spreadsheet_would_calculate_are_harmless():
    text = exports.to_csv(("a",), [[cell] for cell in ("=1", "+1", "-1", "@x", "plain", "")])
    assert text.split("\r\n")[1:-1] == ["'=1", "'+1", "'-1", "'@x", "plain", '""']


def test_audit_list_has_who_looked_at_what(browser, delivered):
    browser.get(f"/messages/{delivered}")
    browser.get(f"/messages/{delivered}/body")
    browser.get("/messages?q=audited")
    entries = [(entry.person, entry.action, entry.subject) for entry in audit.newest_first(100)]
    assert ("local", Action.VIEW, delivered) in entries
    assert ("local", Action.DOWNLOAD, delivered) in entries
    assert ("local", Action.SEARCH, "audited") in entries


def test_pages_are_small(browser, stack):
    for number in range(50):
        send(stack, sample(_uuid=f"row {number}"))
    compressed = {"accept-encoding": "gzip"}
    page = browser.get("/messages", **compressed)
    assert page.text.count("data-row") == 50
    assert page.sent_bytes < 12_000
    files = [static_files.load(name).url for name in ("console.css", "console.js", "icon.svg")]
    first_view = [page, *(browser.get(url, **compressed) for url in files)]
    assert sum(part.sent_bytes for part in first_view) < 25_000
