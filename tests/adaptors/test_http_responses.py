"""How a response is parsed, and which responses count as a success."""

from __future__ import annotations

import base64
import json
import time

import pytest

from adaptors.common import each
from adaptors.errors import RemoteRefused, RemoteUnavailable
from adaptors.http import delete, get, post
from tests.support.errors import error_of
from tests.support.http_state import state_for
from tests.support.wsgi_server import HTML

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
PAGE = {"content": HTML, "Content_Type": "text/html"}


def data_of(destination, content, kind, **options):
    destination.respond("/things", 200, content, Content_Type=kind)
    return get("things", **options)(state_for(destination))["data"]


@pytest.mark.parametrize(
    ("content", "kind", "parse_as", "data"),
    [
        (b'{"a": 1}', "application/json", "text", '{"a": 1}'),
        (b'{"a": 1}', "text/plain", "json", {"a": 1}),
        (b"[1]", "application/fhir+json;charset=UTF-8", "auto", [1]),
        (
            '{"a": "é"}'.encode("iso-8859-1"),
            "application/json; charset=iso-8859-1",
            "auto",
            {"a": "é"},
        ),
        ('{"a": "é"}'.encode("utf-16"), "application/json", "json", {"a": "é"}),
        (b" \n", "application/json", "json", None),
        (b"", "application/json", "json", None),
        (b"", "text/plain", "text", ""),
        (b"", "image/png", "base64", ""),
        (PNG, "image/png", "base64", base64.b64encode(PNG).decode()),
        (b"7", "application/json", "base64", "Nw=="),
        (b"<a>1</a>", "application/xml", "auto", "<a>1</a>"),
        (b"007", "text/plain", "text", "007"),
    ],
)
def test_response_is_parsed_as_the_job_wants(destination, content, kind, parse_as, data):
    assert data_of(destination, content, kind, parse_as=parse_as) == data


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ("id,naïve\n".encode(), "text/csv", "id,naïve\n"),
        ("\ufeffid,naïve\n".encode(), "text/csv", "id,naïve\n"),
        ("id,naïve\n".encode("iso-8859-1"), "text/csv", "id,naïve\n"),
        ("naïve".encode("cp1252"), 'text/plain; charset="windows-1252"', "naïve"),
        (b"na\xefve", "text/plain; charset=utf-8", "na\ufffdve"),
        ("naïve".encode(), "text/plain; charset=klingon", "naÃ¯ve"),
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>ï</a>'.encode("iso-8859-1"),
            "text/xml",
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>ï</a>',
        ),
        (
            "<?xml version='1.0' encoding='ISO-8859-2'?><a>ł</a>".encode("iso-8859-2"),
            "application/xml",
            "<?xml version='1.0' encoding='ISO-8859-2'?><a>ł</a>",
        ),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><a>ï</a>".encode(),
            "text/xml; charset=utf-8",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a>ï</a>",
        ),
    ],
)
def test_text_is_decoded_by_its_declared_encoding(destination, content, kind, text):
    assert data_of(destination, content, kind) == text


@pytest.mark.parametrize("call", [get, post])
def test_web_page_instead_of_json_is_refused_and_logged(destination, call, capsys):
    destination.respond("/things", 200, HTML, Content_Type="text/html")
    error = error_of(call("things", parse_as="json"), state_for(destination))
    assert isinstance(error, RemoteRefused)
    assert "answered 200 OK, but the body is not the expected JSON (text/html)." in str(error)
    assert "Down for maintenance" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"{", b"<html>", b'{"a": 1} trailing', b"[" * 100_000])
def test_invalid_json_with_json_content_type_is_refused(destination, content):
    destination.respond("/things", 200, content, Content_Type="application/json")
    assert isinstance(error_of(get("things"), state_for(destination)), RemoteRefused)


def test_web_page_is_text_by_default(destination):
    assert data_of(destination, HTML, "text/html") == HTML.decode()


@pytest.mark.parametrize("status", [404, 409, 422, 500])
@pytest.mark.parametrize("call", [get, post, delete])
def test_response_with_accepted_status_becomes_data(destination, call, status):
    destination.respond("/things", status, {"message": "not found"})
    before = state_for(destination, "before")
    after = call("things", accept_statuses={404, 409, 422, 500})(before)
    assert after["data"] == {"message": "not found"}
    assert after["response"]["status"] == status
    assert after["references"] == ["before"]


def test_accepted_status_may_have_a_web_page(destination):
    destination.respond("/things", 404, HTML, Content_Type="text/html")
    after = get("things", parse_as="json", accept_statuses=404)(state_for(destination))
    assert after["data"] == HTML.decode()


def test_other_status_is_still_an_error(destination):
    destination.respond("/things", 503, {}, Retry_After="7")
    error = error_of(get("things", accept_statuses={404}), state_for(destination))
    assert isinstance(error, RemoteUnavailable)
    assert error.retry_after == 7


def test_job_may_create_a_missing_record(destination):
    destination.respond("/things/7", 404, {})
    destination.respond("/things", 201, {"id": 7})

    def create_if_missing(state):
        missing = state["response"]["status"] == 404
        return post("things", {"id": 7})(state) if missing else state

    look = get(lambda state: f"things/{state['data']}", accept_statuses={404})
    each("ids", look, create_if_missing)(state_for(destination, {"ids": [7, 8]}))
    assert [f"{received.method} {received.path}" for received in destination.received] == [
        "GET /things/7",
        "POST /things",
        "GET /things/8",
    ]


@pytest.mark.parametrize(
    "retry_after", ["Fri, 31 Dec 2999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT", "-0000"]
)
def test_retry_after_date_in_any_format_is_read_or_ignored(destination, retry_after):
    destination.respond("/things", 429, {}, Retry_After=retry_after)
    error = error_of(get("things"), state_for(destination))
    assert isinstance(error, RemoteUnavailable)
    assert error.retry_after is None or error.retry_after >= 0


@pytest.fixture
def _in_auckland(monkeypatch):
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_auckland")
def test_date_without_time_zone_is_utc(destination):
    destination.respond("/things", 429, {}, Retry_After="Thu, 01 Jan 2099 00:00:00 -0000")
    seconds = error_of(get("things"), state_for(destination)).retry_after
    destination.respond("/things", 429, {}, Retry_After="Thu, 01 Jan 2099 00:00:00 GMT")
    assert abs(seconds - error_of(get("things"), state_for(destination)).retry_after) < 60


def test_response_in_the_state_can_be_written_as_json(destination):
    destination.respond("/things", 200, PNG, Content_Type="image/png", Set_Cookie="a=s3cr3t")
    after = get("things", parse_as="base64")(state_for(destination))
    stored = json.dumps({key: after[key] for key in ("data", "response")})
    assert "s3cr3t" not in stored
    assert base64.b64decode(json.loads(stored)["data"]) == PNG
