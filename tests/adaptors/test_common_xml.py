"""Parsing XML into dicts, and writing dicts as XML."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptors.common import data_value, parse_xml, to_xml
from openfn.messages import xml_bodies

FORM = """<?xml version="1.0"?>
<h:data xmlns:h="http://x" uiVersion="1"><orx:meta><orx:id>uuid:1</orx:id></orx:meta>
<child>A</child><child n="2"> B </child><none/></h:data>"""
READ = {
    "data": {
        "@xmlns:h": "http://x",
        "@uiVersion": "1",
        "meta": {"id": "uuid:1"},
        "child": ["A", {"@n": "2", "#text": "B"}],
        "none": None,
    }
}


def test_xml_is_parsed_like_in_the_inbox():
    assert parse_xml(FORM) == READ
    assert parse_xml(FORM) == xml_bodies.parse(FORM.encode(), FORM)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-1"?><n>é</n>', {"n": "é"}),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><n>é</n>'.encode("latin-1"), {"n": "é"}),
        ("<n>é</n>".encode(), {"n": "é"}),
        ("<n>é</n>".encode("utf-16"), {"n": "é"}),
        ("<n>a &amp; b &lt; &#233;</n>", {"n": "a & b < é"}),
        ("<n><![CDATA[<!DOCTYPE x>]]></n>", {"n": "<!DOCTYPE x>"}),
        ("<!-- <!DOCTYPE x> --><n/>", {"n": None}),
    ],
)
def test_text_and_bytes_in_their_declared_encoding_are_parsed(text, read):
    assert parse_xml(text) == read


ENTITIES = '<!DOCTYPE n [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><n>&b;</n>'


@pytest.mark.parametrize(
    "text",
    [
        ENTITIES,
        ENTITIES.encode(),
        '<!DOCTYPE n [<!ENTITY a SYSTEM "file:///etc/passwd">]><n>&a;</n>',
        '<!DOCTYPE n SYSTEM "http://127.0.0.1/x.dtd"><n/>',
        "<!DOCTYPE n><n/>",
    ],
)
def test_document_type_and_entities_are_refused(text):
    with pytest.raises(ValueError, match="with a document type"):
        parse_xml(text)


@pytest.mark.parametrize(
    "text", ["", "no", "<a>", "<a></b>", "<a/><b/>", "<a>&x;</a>", b"<a>\xff</a>", '{"a": 1}']
)
def test_invalid_xml_error_names_the_line(text):
    with pytest.raises(ValueError, match=r"This is not XML: .*line \d"):
        parse_xml(text)


def test_unknown_encoding_is_an_error():
    with pytest.raises(ValueError, match="This is not XML: unknown encoding"):
        parse_xml(b'<?xml version="1.0" encoding="klingon"?><a/>')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {"@id": 7, "n": "x & y <"}}, '<a id="7"><n>x &amp; y &lt;</n></a>'),
        ({"a": {"n": [1, 2.5]}}, "<a><n>1</n><n>2.5</n></a>"),
        (
            {"a": {"yes": True, "no": False, "none": None}},
            "<a><yes>true</yes><no>false</no><none></none></a>",
        ),
        ({"a": {"@id": 'say "é"', "#text": "t"}}, "<a id='say \"é\"'>t</a>"),
        ({"h:a": {"@xmlns:h": "http://x", "empty": []}}, '<h:a xmlns:h="http://x"></h:a>'),
    ],
)
def test_dict_is_written_as_xml(value, text):
    assert to_xml(value, declaration=False) == text
    assert to_xml(value) == f'<?xml version="1.0" encoding="utf-8"?>\n{text}'


@pytest.mark.parametrize("value", [{}, {"a": 1, "b": 2}])
def test_dict_must_have_one_root(value):
    with pytest.raises(ValueError, match=f"one root, but the dict has {len(value)} keys"):
        to_xml(value)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"group1/name": 1}, "'group1/name' of the root"),
        ({"a b": 1}, "'a b'"),
        ({"1a": 1}, "'1a'"),
        ({"a><b": 1}, "'a><b'"),
        ({"a": {"b": [{"ok": 1}, {"c d": 1}]}}, "'c d' of /a/b"),
        ({"a": {"@x y": 1}}, "'@x y' of /a"),
        ({"a": "\x00"}, "text of /a"),
        ({"a": {"b": ["ok", "\x0b"]}}, "text of /a/b"),
        ({"a": {"@n": "\x1f"}}, "text of /a/@n"),
        ({"a&b": 1}, "'a&b'"),
        ({"a": [1, 2]}, "one root"),
        ({"a": {"": 1}}, "'' of /a"),
        ({"a": {7: 1}}, "key 7 of /a"),
        ({"a": {"@n": {"b": 1}}}, "a dict as '@n' of /a"),
        ({"a": {"#text": [1, 2]}}, "a list as '#text' of /a"),
        ({"a": {"b": [[1, 2]]}}, "a list in a list as 'b' of /a"),
        ("a", "not from a str"),
    ],
)
def test_value_that_xml_cannot_contain_is_refused_with_its_key(value, key):
    with pytest.raises(ValueError, match=re.escape(key)):
        to_xml(value)


def test_xml_functions_accept_functions_of_the_state():
    state = {"data": {"id": "7", "xml": "<a>1</a>"}}
    case = {"case": {"@case_id": data_value("id"), "names": [data_value("id")]}}
    assert to_xml(case, declaration=False)(state) == '<case case_id="7"><names>7</names></case>'
    assert parse_xml(data_value("xml"))(state) == {"a": "1"}


NAME = st.from_regex(r"[A-Za-z_é][A-Za-z0-9_.é-]{0,8}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
ELEMENT = st.recursive(
    TEXT | st.none(),
    lambda inner: (
        st.dictionaries(NAME, inner | st.lists(inner, min_size=2, max_size=3), min_size=1)
        | st.fixed_dictionaries({"@id": TEXT, "#text": TEXT})
    ),
    max_leaves=8,
)


@given(st.dictionaries(NAME, ELEMENT, min_size=1, max_size=1))
def test_written_xml_is_parsed_again(value):
    assert parse_xml(to_xml(value)) == value
