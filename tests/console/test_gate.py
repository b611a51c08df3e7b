"""Who may open the console, and which requests it refuses."""

from __future__ import annotations

import threading
import time

import pytest
import time_machine

from console import static_files
from functions.console.app import lambda_handler
from openfn.storage import services
from tests.console.conftest import Browser, sample, send


@pytest.fixture
def stranger(browser):
    return Browser(browser.access)


def test_link_opens_the_console_once(stranger):
    link = f"/messages?state=failed&key={stranger.access.create_key(60)}"
    opened = stranger.get(link)
    assert (opened.status, opened.headers["Location"]) == (303, "/messages?state=failed")
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert stranger.get(link).status == 401
    stranger.cookie = cookie.partition(";")[0]
    assert stranger.get("/messages").status == 200


@pytest.mark.parametrize("key", ["", "x", "1.2.3", "9999999999.x.0000", "é.é.é"])
def test_wrong_keys_open_nothing(stranger, key):
    assert stranger.get(f"/?key={key}").status == 401


def test_links_and_sessions_end(browser, stranger):
    key = stranger.access.create_key(60)
    with time_machine.travel(time.time() + 61):
        assert stranger.get(f"/?key={key}").status == 401
    with time_machine.travel(time.time() + 12 * 3600 + 1):
        assert browser.get("/").status == 401


def test_without_a_session_no_page_is_shown(stranger):
    for path in ("/", "/messages", "/runs", "/messages.csv", "/nothing"):
        page = stranger.get(path)
        assert page.status == 401
        assert "ofn console" in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {"host": "127.0.0.1:8081.evil.example"},
        {"host": ""},
        {"x-forwarded-for": "10.0.0.1"},
        {"forwarded": "for=10.0.0.1"},
        {"via": "1.1 proxy"},
    ],
)
def test_other_hosts_and_proxies_are_refused(browser, headers):
    page = browser.get("/", **headers)
    assert page.status == 403
    assert "<" not in page.text


def test_localhost_is_the_same_machine(browser):
    assert browser.get("/", host="localhost:8081").status == 200


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"sec-fetch-site": "cross-site"}, {}),
        ({"sec-fetch-site": "same-site"}, {}),
        ({"sec-fetch-site": "none"}, {}),
        ({"sec-fetch-site": "", "origin": "http://evil.example"}, {}),
        ({"sec-fetch-site": ""}, {}),
        ({}, {"token": "0" * 64}),
        ({}, {"token": "é"}),
        ({}, {"token": ""}),
    ],
)
def test_posts_of_other_pages_are_refused(browser, headers, form):
    assert browser.post("/messages", form, **headers).status == 403


def test_posts_of_browsers_without_fetch_metadata_need_the_origin(browser):
    own = {"sec-fetch-site": "", "origin": "http://127.0.0.1:8081"}
    assert browser.post("/nothing", {}, **own).status == 404


def test_every_response_has_the_policy(browser, stranger):
    pages = [
        browser.get("/"),
        browser.get("/nothing"),
        stranger.get("/"),
        browser.post("/x", {"token": ""}),
    ]
    pages.append(browser.get("/", host="evil.example"))
    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"


def test_pages_use_no_inline_code_and_no_other_origin(browser):
    text = browser.get("/messages").text
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text
    assert "//" not in text.replace("http://127.0.0.1", "").replace("http://x", "")


def test_static_files_are_for_everybody_and_kept(stranger):
    for name in ("console.css", "console.js", "icon.svg"):
        page = stranger.get(static_files.load(name).url, **{"accept-encoding": "gzip"})
        assert page.status == 200
        assert "immutable" in page.headers["Cache-Control"]
    assert stranger.get("/s/0123/console.css").status == 404
    assert stranger.get("/s/0123/../app.py").status in (401, 404)


def test_no_console_is_served_without_a_site():
    event = {"requestContext": {"http": {"method": "GET"}}, "rawPath": "/", "headers": {}}
    assert lambda_handler(event, None)["statusCode"] == 403


class Waiting:
    """Services that wait in the first query of a thread until they may go on."""

    def __init__(self, behind):
        self.behind, self.begun, self.may_go_on = behind, threading.Event(), threading.Event()

    def call(self, service, operation, request):
        if operation == "batch_get_item" and not self.begun.is_set():
            self.begun.set()
            self.may_go_on.wait(30)
        return self.behind.call(service, operation, request)

    def prepare(self, service):
        self.behind.prepare(service)


def test_requests_that_are_answered_at_once_do_not_mix(browser, stack):
    message = send(stack, sample(_uuid="slow"))
    waiting, pages = Waiting(services.current()), []
    with services.use(waiting):
        slow = threading.Thread(target=lambda: pages.append(browser.get(f"/messages/{message}")))
        slow.start()
        assert waiting.begun.wait(30)
        quick = browser.get("/messages", **{"accept-encoding": "gzip"})
        waiting.may_go_on.set()
        slow.join()
    assert quick.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in pages[0].headers
    assert message in pages[0].text
