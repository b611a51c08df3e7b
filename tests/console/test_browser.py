"""The console in a real browser: what a person does, hostile text, accessibility, the keyboard."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe

from console import site
from tests.support import chromium
from tests.support.served_console import sample, serve

CHROMIUM = chromium.find()
if not CHROMIUM and not os.environ.get(chromium.REQUIRED):
    pytest.skip(chromium.MISSING, allow_module_level=True)

HOSTILE = "</script><img src=x onerror=alert(1)><script>document.title='x'</script>\u202egnp"
MARKS = ('<b id="injected">', "{{7*7}}", "javascript:alert(1)", "'\"><svg onload=alert(1)>")


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("console")) as console:
        yield console


@pytest.fixture(scope="module")
def chrome():
    with chromium.launch(CHROMIUM) as browser:
        yield browser


@pytest.fixture
def open_page(console, chrome):
    """Open the console in a new window; fails at its end if a page has reported a problem."""
    windows, problems = [], []

    def open_window(path="/", **options):
        window = chrome.new_context(**options)
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(15_000)
        page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
        page.on("pageerror", lambda error: problems.append(f"error {error}"))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else 0)
        page.on(
            "request", lambda request: problems.append(request.url) if _is_foreign(request) else 0
        )
        page.goto(console.server.create_link(60))
        page.goto(console.server.url + path)
        return page

    def _is_foreign(request):
        return not request.url.startswith((console.server.url, "data:"))

    yield open_window
    for window in windows:
        window.close()
    assert problems == []


@pytest.fixture(scope="module")
def messages(console):
    """One message of each kind, by name."""
    hostile = {HOSTILE: HOSTILE, **dict.fromkeys(MARKS, HOSTILE), "_xform_id_string": "groups"}
    ids = {
        "matched": console.post(sample(_uuid="matched")),
        "unmatched": console.post(sample(_uuid="unmatched", _xform_id_string="other")),
        "failed": console.post(sample(_uuid="failed", **{"group1/age": [HOSTILE]})),
        "hostile": console.post(hostile),
        "large": console.post({"rows": [{"n": n, "name": f"row {n}"} for n in range(2500)]}),
    }
    console.stack.drain()
    return ids


def paths(messages):
    return {
        "health": "/",
        "messages": "/messages",
        "search": "/messages?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "unmatched": f"/messages/{messages['unmatched']}",
        "hostile": f"/messages/{messages['hostile']}",
        "runs": "/runs",
        "failed run": f"/runs/{messages['failed']}/register-household",
        "run": f"/runs/{messages['matched']}/register-household",
        "filter": f"/filter?message={messages['unmatched']}",
        "trigger": "/filter?trigger=kobo-household",
        "try": f"/try?message={messages['matched']}&job=register-household",
        "replay": f"/replay?id={messages['matched']}",
        "erase": f"/erase?message={messages['matched']}",
        "dead letters": "/dead-letters",
        "audit": "/looked",
    }


def test_new_user_finds_why_and_repairs_it(console, open_page):
    page = open_page("/messages")
    message = console.post(sample(_xform_id_string="groupz", _uuid="new user"))
    page.locator(f'a[href="/messages/{message}"]').click(timeout=6000)
    why = page.get_by_role("region", name="Which triggers match, and why not")
    nearest = why.locator("details").first
    assert "kobo-household" in nearest.inner_text()
    assert re.search(r'"groups"\s+"groupz"', nearest.inner_text())

    page.get_by_role("link", name="Make a filter").click()
    page.get_by_label("_xform_id_string").check()
    page.get_by_text("it matches 1", exact=False).wait_for()
    assert page.locator("#yaml").input_value() == "_xform_id_string: groupz"
    page.get_by_role("button", name="Save").click()
    page.get_by_text("is saved in project.yaml").wait_for()
    assert "groupz" in (console.project / "project.yaml").read_text("utf-8")

    page.get_by_role("link", name="Try register-household on this message").click()
    page.get_by_text("The job succeeds on this message.").wait_for()
    page.get_by_text("/households/889409", exact=False).first.wait_for()

    received = len(console.destination.received)
    page.goto(f"{console.server.url}/messages/{message}")
    page.get_by_role("link", name="Replay").click()
    page.get_by_role("button", name="Replay 1").click()
    page.get_by_text("1 was queued.").wait_for()
    page.goto(f"{console.server.url}/messages/{message}")
    page.get_by_text("succeeded").wait_for()
    assert len(console.destination.received) > received


def test_hostile_text_does_nothing(console, open_page, messages):
    page = open_page()
    for name in ("hostile", "failed run", "messages", "search"):
        page.goto(console.server.url + paths(messages)[name])
        assert page.locator("#injected, main img, main script").count() == 0
        assert page.title().endswith("· openfn")


CONTRAST = {"runOnly": ["color-contrast"]}
COLORFUL = {"health", "unmatched", "failed run", "run", "filter", "try"}


@pytest.mark.parametrize(
    ("options", "rules", "names"),
    [
        pytest.param({"color_scheme": "light"}, None, None, id="light"),
        pytest.param({"color_scheme": "dark"}, CONTRAST, COLORFUL, id="dark"),
        pytest.param({"locale": "ar"}, None, {"health", "unmatched", "failed run"}, id="arabic"),
    ],
)
def test_axe_finds_nothing(console, open_page, messages, options, rules, names):
    page, axe, violations = open_page(**options), Axe(), {}
    for name, path in paths(messages).items():
        if names is None or name in names:
            page.goto(console.server.url + path)
            for rule in axe.run(page, options=rules).response["violations"]:
                targets = [node["target"] for node in rule["nodes"]]
                violations[name, rule["id"]] = targets[:3]
    assert violations == {}


def test_pages_fit_a_phone_and_stay_small(console, open_page, messages):
    page = open_page(viewport={"width": 360, "height": 740})
    wide = []
    for name, path in paths(messages).items():
        page.goto(console.server.url + path)
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(name)
        assert page.evaluate("document.querySelectorAll('*').length") < 5000
    assert wide == []


def test_pages_work_without_javascript(console, open_page, messages):
    page = open_page("/messages?state=unmatched", java_script_enabled=False)
    page.locator(f'a[href="/messages/{messages["unmatched"]}"]').click()
    page.get_by_role("link", name="Make a filter").click()
    page.get_by_label("_uuid").check()
    page.get_by_role("button", name="Make the filter from the ticks").click()
    assert page.locator("#yaml").input_value() == "_uuid: unmatched"
    assert "it matches 1" in page.locator("main").inner_text()


def test_search_that_was_cut_short_goes_on(console, open_page, messages):
    slow = replace(site.current(), search_seconds=0)
    with site.use(slow):
        page = open_page("/messages?inbox=field-data&state=unmatched")
        page.locator(f'a[href="/messages/{messages["unmatched"]}"]').wait_for()
        page.locator("[data-search-on]").wait_for(state="detached")
        rows = page.locator("[data-row]").count()
        page.goto(console.server.url + "/messages?q=needle")
        page.get_by_text("No message matches these filters.").wait_for()
    assert rows >= 2  # the large message too


def test_keyboard(console, open_page, messages):
    page = open_page("/messages")
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    for key in ("j", "j", "k", "x"):
        page.keyboard.press(key)
    assert page.locator("tr.current input").is_checked()
    first = page.locator("tr.current a").first.get_attribute("href")
    page.keyboard.press("/")
    page.keyboard.type("row 2499")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=row*")
    page.goto(console.server.url + "/messages")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**" + first)


def test_first_paint_is_fast(console, open_page, messages):
    page = open_page("/messages")
    paints = []
    for _ in range(3):
        page.reload()
        paints.append(
            page.evaluate(
                "performance.getEntriesByType('paint').map(entry => entry.startTime)[0] ?? 0"
            )
        )
    assert min(paints) < 300, json.dumps(paints)
