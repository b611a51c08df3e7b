"""XML in the responses of destinations."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from adaptors._formats.xml_text import parse_xml
from adaptors._http.xml_response import try_parse_xml

DOCTYPES = [
    b"<!DOCTYPE a><a/>",
    b"<!DOCTYPE a [<!ATTLIST b c CDATA 'x'>]><a><b/></a>",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    b'<!DOCTYPE a SYSTEM "https://example.org/a.dtd"><a/>',
    "<!DOCTYPE a><a/>".encode("utf-16"),
]


@pytest.mark.parametrize("content", DOCTYPES)
def test_document_type_in_a_response_is_refused(content):
    assert try_parse_xml(SimpleNamespace(content=content)) is None
    with pytest.raises(ValueError, match="document type"):
        parse_xml(content)


def test_response_without_a_document_type_is_parsed():
    assert try_parse_xml(SimpleNamespace(content=b"<a><b/></a>")) == {"a": {"b": None}}
