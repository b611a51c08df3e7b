"""Paginated lists, as the usual APIs offer them."""

from __future__ import annotations

import json

import pytest
from flask import Flask, request

from adaptors._runtime.dry_run import dry_run
from adaptors.common import each, fn, source_value
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.http import by_cursor, by_link, by_offset, by_page, by_url, each_page
from tests.support.errors import error_of
from tests.support.wsgi_server import serve, status

SECRET = "s3cr3t-Zm9v"
COUNT = 7
CAP = 3
"""The most records that the server returns in one page, whatever the limit."""
RECORDS = [{"id": number} for number in range(COUNT)]
keep = each("results", fn(lambda s: {**s, "seen": [*s.get("seen", []), s["data"]["id"]]}))
keep_bare = each(
    lambda s: s["data"], fn(lambda s: {**s, "seen": [*s.get("seen", []), s["data"]["id"]]})
)


@pytest.fixture(scope="module")
def server():
    app = Flask(__name__)

    def part(start):
        limit = min(int(request.args.get("limit", CAP)), CAP)
        return RECORDS[start : start + limit], start + limit

    @app.route("/offset")
    def offset():
        return {"results": part(int(request.args.get("offset", 0)))[0]}

    @app.route("/bare")
    def bare():
        return part(int(request.args.get("skip", 0)))[0]

    @app.route("/page")
    def page():
        number = int(request.args.get("page", 1))
        records, _ = part((number - 1) * CAP)
        return {"results": records} if records else ({"detail": "Invalid page."}, 404)

    @app.route("/without")
    def without():
        records, _ = part((int(request.args.get("page", 1)) - 1) * CAP)
        return {"results": records} if records else {}

    @app.route("/cursor")
    def cursor():
        records, after = part(int(request.args.get("after", "c0")[1:]))
        return {"results": records, "meta": {"next": f"c{after}" if after < COUNT else None}}

    @app.route("/url")
    def url():
        records, after = part(int(request.args.get("from", 0)))
        link = f"{request.base_url}?from={after}&limit=3" if after < COUNT else None
        return {"results": records, "next": link}

    @app.route("/link")
    def link():
        records, after = part(int(request.args.get("from", 0)))
        links = ['</link?from=0>; rel="first"']
        links += [f'</link?from={after}>; rel="last next"; title="a, b"'] if after < COUNT else []
        return {"results": records}, 200, {"Link": ", ".join(links)}

    with serve(app) as serving:
        yield serving


@pytest.fixture(autouse=True)
def _reset(server):
    server.received.clear()


def state_for(server, **more):
    return {"configuration": {"baseUrl": server.url}, "data": "before", **more}


OPERATIONS = {
    "link": each_page("link", keep),
    "link by default": each_page("link", keep, next=by_link()),
    "url": each_page("url", keep, next=by_url("next")),
    "cursor": each_page("cursor", keep, next=by_cursor("meta.next", "after")),
    "offset": each_page("offset", keep, next=by_offset("results")),
    "offset, of a bare list": each_page("bare", keep_bare, next=by_offset(parameter="skip")),
    "page": each_page("page", keep, next=by_page("results"), accept_statuses={404}),
    "page, without a list after the last": each_page("without", keep, next=by_page("results")),
    "a function": each_page(
        "cursor",
        keep,
        next=lambda page: {"after": page.data["meta"]["next"]} if page.number < 2 else 0,
    ),
}


@pytest.mark.parametrize("operate", OPERATIONS.values(), ids=OPERATIONS)
def test_every_record_is_processed_once_and_in_order(server, operate):
    assert operate(state_for(server))["seen"] == list(range(COUNT))


@pytest.mark.parametrize(
    ("path", "paginator"),
    [("offset", by_offset("results")), ("cursor", by_cursor("meta.next", "after"))],
    ids=["offset", "cursor"],
)
def test_short_pages_lose_no_record(server, path, paginator):
    operate = each_page(path, keep, next=paginator, query={"limit": 1000, "village": "Kisumu"})
    assert operate(state_for(server))["seen"] == list(range(COUNT))
    assert {received.args["village"] for received in server.received} == {"Kisumu"}
    assert {received.args["limit"] for received in server.received} == {"1000"}


def test_data_and_index_are_restored_and_other_keys_stay(server):
    note = fn(lambda s: {**s, "indexes": [*s.get("indexes", []), s["index"]]})
    after = each_page("link", note)(state_for(server, index=9, references=["older"]))
    assert (after["data"], after["index"], after["references"]) == ("before", 9, ["older"])
    assert after["indexes"] == [0, 1, 2]
    assert "index" not in each_page("link", note)(state_for(server))


def test_page_with_an_accepted_status_is_the_end(server):
    note = fn(lambda s: {**s, "pages": [*s.get("pages", []), s["data"]]})
    operate = each_page("page", note, next=by_page("results"), accept_statuses=404)
    after = operate(state_for(server))
    assert len(after["pages"]) == 3
    assert all("results" in page for page in after["pages"])


def test_url_of_the_next_page_is_used_unchanged(server):
    each_page("url", next=by_url("next"), query={"limit": 3, "village": "Kisumu"})(
        state_for(server)
    )
    assert [received.args.getlist("limit") for received in server.received] == [["3"]] * 3
    assert [received.args.get("village") for received in server.received] == ["Kisumu", None, None]


def test_page_has_its_response(server):
    note = fn(lambda s: {**s, "links": [*s.get("links", []), s["response"]["headers"]["link"]]})
    after = each_page("link", note)(state_for(server))
    assert len(after["links"]) == 3
    assert all("first" in link for link in after["links"])


def test_page_is_fetched_after_the_previous_one_was_processed(server):
    def stop(state):
        raise ValueError(state["index"])

    with pytest.raises(ValueError, match="0"):
        each_page("link", stop)(state_for(server))
    assert len(server.received) == 1


def test_path_query_and_headers_may_contain_functions_of_the_state(server):
    operate = each_page(
        source_value("kind"),
        keep,
        next=by_offset("results"),
        query={"limit": source_value("limit")},
        headers={"X-Run": source_value("run")},
    )
    operate(state_for(server, kind="offset", limit=2, run="r7"))
    assert {received.headers["X-Run"] for received in server.received} == {"r7"}
    assert [received.args.get("offset") for received in server.received] == [
        None,
        "2",
        "4",
        "6",
        "7",
    ]


def test_list_without_pages_is_one_page(destination):
    destination.respond("/things", 200, {"results": RECORDS})
    assert each_page("things", keep)(state_for(destination))["seen"] == list(range(COUNT))
    assert len(destination.received) == 1


def test_empty_list_is_one_page(destination):
    for empty in ([], None):
        destination.respond("/things", 200, {"results": empty})
        after = each_page("things", keep, next=by_offset("results"))(state_for(destination))
        assert "seen" not in after


@pytest.mark.parametrize("paginator", [by_offset("result"), by_page("results[0]"), by_offset()])
def test_missing_list_in_the_first_page_is_an_author_error(server, paginator):
    error = error_of(each_page("offset", next=paginator), state_for(server))
    assert isinstance(error, ConfigurationError)
    assert "The first page has no list at" in str(error)


# Lists that do not end


def test_page_that_links_to_itself_is_an_error(destination):
    destination.respond("/things", 200, {"results": [1], "next": "/things?page=2"})
    error = error_of(each_page("things", next=by_url("next")), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert f"GET {destination.url}/things answered 200 OK" in str(error)
    assert len(destination.received) == 2


def test_loop_of_pages_is_an_error(destination):
    for path, next_path in [("a", "b"), ("b", "c"), ("c", "b")]:
        destination.respond(f"/{path}", 200, {"path": path, "next": f"/{next_path}"})
    error = error_of(each_page("a", next=by_url("next")), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert "the next page has already been fetched" in str(error)
    assert [received.path for received in destination.received] == ["/a", "/b", "/c"]


def test_unchanged_cursor_is_an_error(destination):
    destination.respond("/things", 200, {"results": [1], "next": "c7"})
    error = error_of(each_page("things", next=by_cursor("next")), state_for(destination))
    assert isinstance(error, RemoteRefused)


def test_server_that_ignores_the_parameter_is_an_error(destination):
    destination.respond("/things", 200, {"results": RECORDS})
    pages = []
    note = fn(lambda state: pages.append(state["data"]) or state)
    error = error_of(each_page("things", note, next=by_page("results")), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert "with the same page again" in str(error)
    assert len(pages) == 1


def test_more_pages_than_allowed_is_an_error(server):
    error = error_of(each_page("link", max_pages=2), state_for(server))
    assert isinstance(error, ConfigurationError)
    assert "more than 2 pages" in str(error)
    assert "max_pages=" in str(error)
    assert each_page("link", keep, max_pages=3)(state_for(server))["seen"] == list(range(COUNT))


# Failures, origins, dry run


@pytest.mark.parametrize(
    ("code", "kind"), [(401, RemoteRefused), (409, RemoteRefused), (503, RemoteUnavailable)]
)
def test_failed_page_fails_with_its_verdict(server, code, kind):
    server.failures.extend([status(200, b'{"next": "/url"}'), status(code, b"", Retry_After="7")])
    error = error_of(each_page("x", next=by_url("next")), state_for(server))
    assert isinstance(error, kind)


def test_page_that_is_not_json_is_refused(server):
    server.failures.append(status(200, b"<html>"))
    error = error_of(each_page("x", parse_as="json"), state_for(server))
    assert isinstance(error, RemoteRefused)


@pytest.mark.parametrize(
    "credential",
    [
        {"username": "nurse", "password": SECRET},
        {"access_token": SECRET},
        {"apiKey": SECRET, "header": "X-Organisation"},
        {"apiKey": SECRET, "parameter": "appid"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_next_page_of_another_origin_receives_no_credential(destination, elsewhere, credential):
    destination.respond("/things", 200, {"next": f"{elsewhere.url}/more"})
    elsewhere.respond("/more", 200, {"next": None})
    state = {"configuration": {"baseUrl": destination.url, **credential}}
    headers = {"X-Org": SECRET, "Accept": "text/json"}
    each_page("things", next=by_url("next"), headers=headers)(state)
    received = elsewhere.only
    assert received.headers["Accept"] == "text/json"
    assert SECRET not in f"{received.query} {received.headers}"
    assert received.headers["Authorization"] is None
    assert destination.only.headers["X-Org"] == SECRET


def test_next_page_may_be_a_relative_url(destination):
    destination.respond("/api/things", 200, {"page": 1, "next": "more?page=2"})
    destination.respond("/api/more", 200, {"page": 2, "next": ""})
    each_page("api/things", next=by_url("next"))(state_for(destination))
    assert [received.path for received in destination.received] == ["/api/things", "/api/more"]


def test_dry_run_requests_only_the_first_page(server):
    with dry_run() as requests:
        for operate in OPERATIONS.values():
            if operate is not OPERATIONS["offset, of a bare list"]:  # it fails on a response of {}
                operate(state_for(server))
    assert len(requests) == len(OPERATIONS) - 1
    assert server.received == []


def test_page_response_can_be_written_as_json(server):
    after = each_page("url", keep, next=by_url("next"))(state_for(server))
    json.dumps(after)
