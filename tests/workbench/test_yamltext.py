"""YAML as people write it: what it means, where its keys stand, and what is no YAML."""

from __future__ import annotations

from decimal import Decimal

import pytest

from workbench.project.yaml_source import Mistake, ProjectMistakes, read


@pytest.fixture
def source(tmp_path):
    """Read a text as a YAML file."""

    def written(text):
        path = tmp_path / "project.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(path)

    return written


@pytest.fixture
def refused(source):
    """Give the one mistake a text is refused with."""

    def mistake(text):
        with pytest.raises(ProjectMistakes) as raised:
            source(text)
        (only,) = raised.value.mistakes
        return only

    return mistake


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "2019-12-01", "12:30", "1.2.3"])
def test_an_answer_or_a_date_stays_the_text_that_a_form_sends(source, word):
    assert source(f"consent: {word}").written == {"consent": word}


def test_a_date_and_time_stays_text_too(source):
    assert source("at: 2019-12-01T10:00:00Z").written == {"at": "2019-12-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("written", "value"),
    [("1", 1), ("1.50", 1.5), ("1e3", 1000.0), (".5", 0.5), ("-0.1", -0.1), ("9" * 30, 10**30 - 1)],
)
def test_a_number_is_the_number_that_is_written(source, written, value):
    assert source(f"a: {written}").written == {"a": value}


@pytest.mark.parametrize("written", ["0.12345678901234567890", "1e999", "9" * 5000])
def test_a_number_that_would_lose_digits_is_kept_whole_for_the_reader_to_refuse(source, written):
    value = source(f"a: {written}").written["a"]
    assert (type(value), value) == (Decimal, Decimal(written))


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbfname: demo\n", b"name: demo\r\n", b"name: demo\r"], ids=ascii
)
def test_a_byte_order_mark_and_other_line_ends_are_no_matter(source, text):
    assert source(text).written == {"name": "demo"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=ascii)
def test_a_mistake_names_the_line_and_the_keys_that_lead_to_it(source, end):
    text = source(
        end.join(["# a comment", "jobs:", "  - x", "  - go: 1", "    'a.b': [1,", "     2]"])
    )
    assert text.mistake(("jobs", 1, "go"), "no") == Mistake("project.yaml", 4, "jobs.1.go: no")
    assert text.mistake(("jobs", 1, "a.b", 1), "no").line == 6


def test_a_mistake_in_what_is_not_there_names_the_line_of_the_deepest_key_that_is(source):
    assert source("a:\n  b:\n    c: 1\n").mistake(("a", "b", "x", "y"), "no").line == 2


def test_a_mistake_in_one_of_a_list_is_placed_where_one_value_is_written_for_the_list(source):
    text = source("trigger:\n  exclusion:\n    a: 1\n")
    assert str(text.mistake(("trigger", "exclusion", 0, "a"), "no")) == (
        "project.yaml:3: trigger.exclusion.a: no"
    )


@pytest.mark.parametrize(("written", "key"), [("1", 1), ("true", True), ("~", None)])
def test_the_line_of_a_key_that_is_no_text_is_found(source, written, key):
    assert source(f"x: 1\na:\n  b: 1\n  {written}: 2\n").mistake(("a", key), "no").line == 4


def test_what_a_merge_key_brings_is_placed_at_the_mapping_that_merges(source):
    text = source("base: &b {x: 1}\nother:\n  <<: *b\n  y: 2\n")
    assert text.written["other"] == {"x": 1, "y": 2}
    assert text.mistake(("other", "x"), "no").line == 2
    assert text.mistake(("other", "y"), "no").line == 4


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n\tb: 1\n", 2, "indent with spaces, not with a tab"),
        ("a:\n  b: 1\n    c: 2\n", 3, "mapping values are not allowed here"),
        ("a:\n    b: 1\n  c: 2\n", 3, "give this line the indent of those it belongs with"),
        ("a: {b: 1\nc: 2\n", 1, "is the bracket or quote of line 1 closed"),
        ("x: 1\na: [b: {c]\nd: 2\n", 2, "is the bracket or quote of line 2 closed"),
        ("a: {\n  b: 1\n  c: 2}\n", 3, "with commas between"),
        ('x: 1\na: "b\nc: 1\n', 2, "is the bracket or quote of line 2 closed"),
        ("title: Form: two\n", 1, "put text that holds a colon in quotes"),
        ("a:\n  @name: x\n", 2, "put the text in quotes"),
        ("a:\n  *meta-id*: x\n", 2, "a text that begins with * must stand in quotes"),
        ("a: 1\nb: *nowhere\n", 2, "undefined alias 'nowhere'"),
        ("a: !env SECRET\n", 1, "put the text in quotes"),
        ("a: =\n", 1, "put the text in quotes"),
        ("{{ name }}: 1\n", 1, "a key is text: put it in quotes"),
        ("a: 1\n---\nb: 2\n", 2, "keep one document"),
        ("name: x\nb: 1\nname: y\n", 3, "the key `name` is written twice; keep one of them"),
        ("x: 1\na: {b: 1, b: 2}\n", 2, "the key `b` is written twice"),
        ("a: 1\nb: 'x\x07'\n", 2, "U+0007 cannot stand here; delete it"),
        (b"a: 1\nb: caf\xe9\n", 2, "not UTF-8 text; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "not UTF-8 text; save the file as UTF-8"),
        ("- " * 1100 + "x", 1, "nested too deeply"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_is_no_yaml_is_refused_with_its_line_and_a_remedy(refused, text, line, words):
    mistake = refused(text)
    assert (mistake.file, mistake.line) == ("project.yaml", line)
    assert words in mistake.what
    assert "\n" not in mistake.what


def test_a_file_that_is_not_there_is_named_with_its_folder(tmp_path):
    with pytest.raises(ProjectMistakes, match=r"nowhere/project\.yaml:1: there is no such file"):
        read(tmp_path / "nowhere/project.yaml")


def test_a_folder_in_the_file_s_place_is_no_crash(tmp_path):
    with pytest.raises(ProjectMistakes, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_mistakes_are_told_once_each_by_file_and_line():
    told = [Mistake("b", 2, "x"), Mistake("b", 10, "x"), Mistake("a", 9, "x"), Mistake("b", 2, "x")]
    assert str(ProjectMistakes(told)) == "a:9: x\nb:2: x\nb:10: x"
