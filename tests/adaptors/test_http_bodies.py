"""Request bodies, as a real form parser and a real XML parser receive them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
import xmltodict
from flask import Flask, request
from werkzeug.datastructures import MultiDict

from adaptors.common import data_value
from adaptors.errors import ConfigurationError
from adaptors.http import delete, patch, post, put
from adaptors.http import request as any_request
from tests.support.wsgi_server import serve

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
PHOTO = b"\x89PNG\r\n\x1a\n\x00--boundary\r\n\xff"


@pytest.fixture(scope="module")
def server():
    app = Flask(__name__)

    @app.route("/things", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "REPORT"])
    def describe_request():
        return {
            "method": request.method,
            "type": request.headers.get("Content-Type"),
            "form": list(request.form.items(multi=True)),
            "files": {
                name: [part.filename, part.mimetype, part.read().hex()]
                for name, part in request.files.items()
            },
        }

    with serve(app) as serving:
        yield serving


@pytest.fixture
def answer_to(server):
    """Apply an operation, and return how the server parsed its request."""

    def apply(operate, data=None):
        return operate({"configuration": {"baseUrl": server.url}, "data": data})["data"]

    return apply


def received_body(server):
    return server.received[-1].get_data(), server.received[-1].headers.get("Content-Type")


@pytest.mark.parametrize("call", [post, put, patch, delete])
def test_form_is_url_encoded(answer_to, call):
    answer = answer_to(call("things", form={"name": "Amina & Söhne", "age": 7, "n": ["1", "2"]}))
    assert answer["type"] == "application/x-www-form-urlencoded"
    assert MultiDict(map(tuple, answer["form"])) == MultiDict(
        [("name", "Amina & Söhne"), ("age", "7"), ("n", "1"), ("n", "2")]
    )


def test_form_values_are_written_like_json(answer_to):
    form = {"yes": True, "no": False, "day": date(2026, 3, 9), "at": NOON, "none": None}
    form["where"] = {"a": 1}
    assert answer_to(post("things", form=form))["form"] == [
        ["yes", "true"],
        ["no", "false"],
        ["day", "2026-03-09"],
        ["at", "2026-03-09T12:00:00+00:00"],
        ["where", '{"a": 1}'],
    ]


def test_empty_form_is_sent_as_a_form(answer_to):
    answer = answer_to(post("things", form={}))
    assert (answer["type"], answer["form"]) == ("application/x-www-form-urlencoded", [])


def test_files_are_sent_with_name_type_and_form(answer_to):
    files = {"photo": ("Foto ü.png", PHOTO, "image/png"), "note": b"text", "list": ("a.csv", "ä")}
    answer = answer_to(post("things", files=files, form={"case": "7", "tag": ["a", "b"]}))
    assert answer["type"].startswith("multipart/form-data; boundary=")
    assert answer["form"] == [["case", "7"], ["tag", "a"], ["tag", "b"]]
    assert answer["files"] == {
        "photo": ["Foto ü.png", "image/png", PHOTO.hex()],
        "note": ["note", "application/octet-stream", b"text".hex()],
        "list": ["a.csv", "application/octet-stream", "ä".encode().hex()],
    }


def test_files_and_form_may_contain_functions_of_the_state(answer_to):
    operate = post(
        "things",
        files={"photo": (data_value("name"), lambda state: state["data"]["text"].encode())},
        form={"case": data_value("case")},
    )
    answer = answer_to(operate, {"name": "a.txt", "text": "hello", "case": "7"})
    assert answer["files"] == {"photo": ["a.txt", "application/octet-stream", b"hello".hex()]}
    assert answer["form"] == [["case", "7"]]


def test_files_may_be_a_function_of_the_state_and_none_is_left_out(answer_to):
    operate = post("things", files=lambda state: {"a": state["data"].encode(), "b": None})
    assert list(answer_to(operate, "x")["files"]) == ["a"]


def test_same_files_make_the_same_body(server, answer_to):
    operate = post("things", files={"photo": ("a.png", PHOTO, "image/png")})
    answer_to(operate)
    first = received_body(server)
    answer_to(operate)
    assert received_body(server) == first


def test_text_is_sent_as_utf_8(server, answer_to):
    answer_to(post("things", text="id,name\n7,Amina é"))
    assert received_body(server) == ("id,name\n7,Amina é".encode(), "text/plain; charset=utf-8")


def test_text_may_have_another_content_type(server, answer_to):
    answer_to(post("things", text="id,name\n", content_type="text/csv"))
    assert received_body(server) == (b"id,name\n", "text/csv")


def test_content_is_sent_unchanged(server, answer_to):
    answer_to(put("things", content=PHOTO))
    assert received_body(server) == (PHOTO, "application/octet-stream")
    answer_to(put("things", content=PHOTO, content_type="image/png"))
    assert received_body(server) == (PHOTO, "image/png")


def test_content_type_header_wins(server, answer_to):
    answer_to(put("things", content=PHOTO, headers={"content-type": "image/png"}))
    assert received_body(server) == (PHOTO, "image/png")


@pytest.mark.parametrize(
    "xml",
    ["<a>é</a>", "<a>é</a>".encode(), {"a": "é"}, data_value("xml")],
    ids=["text", "bytes", "dict", "value"],
)
def test_xml_is_text_bytes_or_a_dict(server, answer_to, xml):
    answer_to(post("things", xml=xml), {"xml": "<a>é</a>"})
    body, kind = received_body(server)
    assert xmltodict.parse(body) == {"a": "é"}
    assert kind == "application/xml"


def test_xml_of_a_dict_has_attributes_and_repeats(server, answer_to):
    household = {"household": {"@id": "7", "member": ["Amina", "Kofi"]}}
    answer_to(post("things", xml=household))
    assert xmltodict.parse(received_body(server)[0]) == household


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "utf-16", "us-ascii"])
def test_xml_text_is_sent_in_its_declared_encoding(server, answer_to, encoding):
    answer_to(post("things", xml=f'<?xml version="1.0" encoding="{encoding}"?><a>é</a>'))
    assert xmltodict.parse(received_body(server)[0], encoding=None) == {"a": "é"}


@pytest.mark.parametrize("xml", [{"a": 1, "b": 2}, {}, {"a": [1, 2]}])
def test_xml_of_a_dict_needs_one_root(answer_to, xml):
    with pytest.raises(ConfigurationError, match="one root"):
        answer_to(post("things", xml=xml))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"form": [1]}, "form is a dict of names and values, not list"),
        ({"files": [b"x"]}, "files is a dict of names, not list"),
        ({"files": {"a": 7}}, "files['a'] is text or bytes, not int"),
        ({"text": 7}, "text is text or bytes, not int"),
        ({"xml": [1]}, "xml is text or bytes, not list"),
        ({"content": {"a": 1}}, "content is text or bytes, not dict"),
        ({"xml": '<?xml version="1.0" encoding="klingon"?><a/>'}, "declares is unknown"),
        ({"query": [1]}, "query is a dict of names and values, not list"),
        ({"headers": [1]}, "headers is a dict of texts, not list"),
        ({"files": {"a": b""}, "content_type": "image/png"}, "Leave content_type= out"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_body_of_the_wrong_type_is_an_author_error(server, answer_to, options, text):
    before = len(server.received)
    with pytest.raises(ConfigurationError) as caught:
        answer_to(post("things", **options))
    assert text in str(caught.value)
    assert len(server.received) == before


def test_request_accepts_any_method_in_any_case(answer_to):
    assert answer_to(any_request("report", "things", {"a": 1}))["method"] == "REPORT"


def test_get_request_may_have_a_body(server, answer_to):
    answer_to(any_request("GET", "things", {"query": {"match_all": {}}}))
    assert json.loads(received_body(server)[0]) == {"query": {"match_all": {}}}
