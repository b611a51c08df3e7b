"""Parsing CSV into rows."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptors.common import data_value, fn, parse_csv

TWO = [{"name": "Amina", "age": "7"}, {"name": "Kofi", "age": "8"}]
note = fn(lambda state: {**state, "seen": [*state.get("seen", []), state["data"]]})


def rows(text, **named):
    return parse_csv(text, **named)({"data": None})["data"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name,age\nAmina,7\nKofi,8\n", {}),
        ("name,age\nAmina,7\nKofi,8", {}),
        ("name,age\r\nAmina,7\r\nKofi,8\r\n", {}),
        ("name,age\rAmina,7\rKofi,8\r", {}),
        ("\ufeffname,age\nAmina,7\nKofi,8", {}),
        (b"\xef\xbb\xbfname,age\nAmina,7\nKofi,8", {}),
        ("name,age\nAmina,7\nKofi,8".encode("utf-16"), {"encoding": "utf-16"}),
        (" name , age \n\n Amina,7 \n  \n Kofi , 8\n", {}),
        ('"name","age"\n"Amina", "7"\n"Kofi","8"', {}),
        ("'name';'age'\n'Amina';7\nKofi;8", {"delimiter": ";", "quote": "'"}),
        ("name\tage\nAmina\t7\nKofi\t8", {"delimiter": "\t"}),
        ("Amina,7\nKofi,8", {"header": ["name", "age"]}),
        ("Amina,7,\nKofi,8,", {"header": ("name", "age", "")}),
        ("name,age,,\nAmina,7,,\nKofi,8,x,", {}),
    ],
)
def test_every_line_becomes_a_dict(text, named):
    assert rows(text, **named) == TWO


def test_line_without_header_is_a_list():
    assert rows("a,1\n\nb,2,3\n", header=False) == [["a", "1"], ["b", "2", "3"]]


def test_quoted_cells_may_contain_delimiters_quotes_and_line_breaks():
    text = 'a,b\n"x, ""y""","1\r\n2"\n,""\n'
    assert rows(text) == [{"a": 'x, "y"', "b": "1\r\n2"}, {"a": "", "b": ""}]


def test_cell_may_be_long():
    assert rows(f"shape\n{'1 2 ' * 100_000}3")[0]["shape"].endswith("2 3")


@pytest.mark.parametrize("text", ["", "\n\n", "name,age\n", "\ufeff"])
def test_empty_text_has_no_rows(text):
    assert rows(text) == []


def test_rows_become_data_and_the_previous_data_a_reference():
    state = {"data": {"csv": "n\n1"}, "references": []}
    after = parse_csv(data_value("csv"))(state)
    assert after == {"data": [{"n": "1"}], "references": [{"csv": "n\n1"}]}


def test_operations_are_applied_to_chunks_and_data_is_restored():
    text = "n\n1\n2\n3\n4\n5\n"
    count = fn(lambda state: {**state, "places": [*state.get("places", []), state["index"]]})
    after = parse_csv(data_value(""), note, count, chunk_size=2)({"data": text})
    assert [[row["n"] for row in chunk] for chunk in after["seen"]] == [
        ["1", "2"],
        ["3", "4"],
        ["5"],
    ]
    assert after["places"] == [0, 1, 2]
    assert after["data"] == text


@pytest.mark.parametrize(("size", "chunks"), [(None, 1), (3, 1), (1, 3)])
def test_rows_without_chunk_size_are_one_chunk(size, chunks):
    after = parse_csv("n\n1\n2\n3\n", note, chunk_size=size)({"data": None})
    assert len(after["seen"]) == chunks


def test_no_rows_make_no_chunk():
    assert parse_csv("n\n", note)({"data": 1}) == {"data": 1}


@pytest.mark.parametrize(
    ("text", "named", "words"),
    [
        ("a,b\n1,2\n3\n", {}, "Line 3 of the CSV has 1 cells, but there are 2 names"),
        ("a;b\n1;2,5\n", {}, "Line 2 of the CSV has 2 cells, but there are 1 names.*delimiter"),
        ("1,2,3", {"header": ["a", "b"]}, "Line 1 of the CSV has 3 cells"),
        ("a,b,a\n1,2,3\n", {}, "Column 3 of the CSV has the name of an earlier one"),
        ('a,b\n1,"2\n', {}, "is not valid at line 2: unexpected end of data"),
        ('a,b\n"1"x,2\n', {}, "is not valid at line 2"),
        (b"name\nOu\xe9draogo", {}, "The CSV is not utf-8. Set its encoding.*cp1252"),
    ],
)
def test_invalid_csv_error_names_the_line(text, named, words):
    with pytest.raises(ValueError, match=words):
        rows(text, **named)


def test_encoding_can_be_set():
    assert rows(b"name\nOu\xe9draogo \x80", encoding="cp1252") == [{"name": "Ouédraogo €"}]


@pytest.mark.parametrize("value", [None, 7, ["a"]])
def test_only_texts_and_bytes_are_parsed(value):
    with pytest.raises(TypeError, match="accepts a text or bytes"):
        rows(value)


def test_chunk_size_must_be_positive():
    with pytest.raises(ValueError, match="at least 1"):
        parse_csv("a", chunk_size=0)


CELL = st.text(st.characters(exclude_categories=["C", "Z"])) | st.just('a "b", c\nd')


@given(st.lists(st.tuples(CELL, CELL).filter(any)))
def test_csv_written_by_python_is_parsed_again(table):
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("x", "y"), *table])
    assert rows(written.getvalue()) == [{"x": x, "y": y} for x, y in table]
