"""project.yaml is read with the lines of its keys, and syntax problems are reported."""

from __future__ import annotations

from decimal import Decimal

import pytest

from workbench.project.yaml_source import Problem, ProjectProblems, read_yaml


@pytest.fixture
def source(tmp_path):
    """Read text as a YAML file."""

    def source(text):
        path = tmp_path / "project.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(path)

    return source


@pytest.fixture
def problem_of(source):
    """Return the only problem of a text that is not valid YAML."""

    def problem_of(text):
        with pytest.raises(ProjectProblems) as raised:
            source(text)
        (problem,) = raised.value.problems
        return problem

    return problem_of


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "2019-12-01", "12:30", "1.2.3"])
def test_answers_and_dates_stay_text(source, word):
    assert source(f"consent: {word}").content == {"consent": word}


def test_timestamp_stays_text(source):
    assert source("at: 2019-12-01T10:00:00Z").content == {"at": "2019-12-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1.50", 1.5), ("1e3", 1000.0), (".5", 0.5), ("-0.1", -0.1), ("9" * 30, 10**30 - 1)],
)
def test_number_is_read_exactly(source, text, value):
    assert source(f"a: {text}").content == {"a": value}


@pytest.mark.parametrize("text", ["0.12345678901234567890", "1e999", "9" * 5000])
def test_number_that_a_float_cannot_hold_becomes_a_decimal(source, text):
    value = source(f"a: {text}").content["a"]
    assert (type(value), value) == (Decimal, Decimal(text))


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbfname: demo\n", b"name: demo\r\n", b"name: demo\r"], ids=ascii
)
def test_byte_order_mark_and_other_line_ends_are_accepted(source, text):
    assert source(text).content == {"name": "demo"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=ascii)
def test_problem_names_the_line_and_the_path(source, end):
    file = source(
        end.join(["# a comment", "jobs:", "  - x", "  - go: 1", "    'a.b': [1,", "     2]"])
    )
    assert file.problem(("jobs", 1, "go"), "no") == Problem("project.yaml", 4, "jobs.1.go: no")
    assert file.problem(("jobs", 1, "a.b", 1), "no").line == 6


def test_problem_of_a_missing_key_is_on_the_line_of_its_parent(source):
    assert source("a:\n  b:\n    c: 1\n").problem(("a", "b", "x", "y"), "no").line == 2


def test_list_position_is_ignored_where_a_single_value_is_written(source):
    file = source("trigger:\n  exclusion:\n    a: 1\n")
    assert str(file.problem(("trigger", "exclusion", 0, "a"), "no")) == (
        "project.yaml:3: trigger.exclusion.a: no"
    )


@pytest.mark.parametrize(("text", "key"), [("1", 1), ("true", True), ("~", None)])
def test_key_that_is_not_text_has_a_line(source, text, key):
    assert source(f"x: 1\na:\n  b: 1\n  {text}: 2\n").problem(("a", key), "no").line == 4


def test_merged_key_has_the_line_of_the_mapping_that_merges_it(source):
    file = source("base: &b {x: 1}\nother:\n  <<: *b\n  y: 2\n")
    assert file.content["other"] == {"x": 1, "y": 2}
    assert file.problem(("other", "x"), "no").line == 2
    assert file.problem(("other", "y"), "no").line == 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a:\n\tb: 1\n", 2, "Indent with spaces, not with a tab"),
        ("a:\n  b: 1\n    c: 2\n", 3, "mapping values are not allowed here"),
        ("a:\n    b: 1\n  c: 2\n", 3, "Indent this line like the lines it belongs to."),
        ("a: {b: 1\nc: 2\n", 1, "Close the bracket or quote of line 1"),
        ("x: 1\na: [b: {c]\nd: 2\n", 2, "Close the bracket or quote of line 2"),
        ("a: {\n  b: 1\n  c: 2}\n", 3, "check the commas"),
        ('x: 1\na: "b\nc: 1\n', 2, "Close the bracket or quote of line 2"),
        ("title: Form: two\n", 1, "Put text with a colon in quotes"),
        ("a:\n  @name: x\n", 2, "Put the text in quotes."),
        ("a:\n  *meta-id*: x\n", 2, "Put text that begins with * in quotes."),
        ("a: 1\nb: *nowhere\n", 2, "undefined alias 'nowhere'"),
        ("a: !env SECRET\n", 1, "Put the text in quotes."),
        ("a: =\n", 1, "Put the text in quotes."),
        ("{{ name }}: 1\n", 1, "A key must be text. Put it in quotes."),
        ("a: 1\n---\nb: 2\n", 2, "Keep one document"),
        ("name: x\nb: 1\nname: y\n", 3, "The key `name` is written twice. Keep one of them."),
        ("x: 1\na: {b: 1, b: 2}\n", 2, "The key `b` is written twice"),
        ("a: 1\nb: 'x\x07'\n", 2, "Delete the invisible character U+0007."),
        (b"a: 1\nb: caf\xe9\n", 2, "This is not UTF-8 text. Save the file as UTF-8."),
        ("a: 1\n".encode("utf-16"), 1, "This is not UTF-8 text. Save the file as UTF-8."),
        ("- " * 1100 + "x", 1, "nested too deeply"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_invalid_yaml_is_reported_with_line_and_fix(problem_of, text, line, message):
    problem = problem_of(text)
    assert (problem.file, problem.line) == ("project.yaml", line)
    assert message in problem.message
    assert "\n" not in problem.message


def test_missing_file_is_reported_with_its_folder(tmp_path):
    with pytest.raises(ProjectProblems, match=r"nowhere/project\.yaml:1: This file does not exist"):
        read_yaml(tmp_path / "nowhere/project.yaml")


def test_folder_instead_of_a_file_is_reported(tmp_path):
    with pytest.raises(ProjectProblems, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


def test_problems_are_sorted_by_file_and_line_without_duplicates():
    problems = [
        Problem("b", 2, "x"),
        Problem("b", 10, "x"),
        Problem("a", 9, "x"),
        Problem("b", 2, "x"),
    ]
    assert str(ProjectProblems(problems)) == "a:9: x\nb:2: x\nb:10: x"


def test_aliases_that_repeat_millions_of_values_are_refused_at_once(problem_of):
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    problem = problem_of("\n".join(["a0: &a0 [x]", *lines]))
    assert problem.line == 6
    assert problem.message == "The aliases below this line repeat more than 100,000 values."


def test_alias_of_what_contains_it_is_refused(problem_of):
    assert problem_of("a: 1\nb: &b\n  c: [*b]").message.startswith("An alias below this line")


def test_aliases_and_merge_keys_are_read(source):
    text = "a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}"
    assert source(text).content == {"a": {"x": 1}, "b": [{"x": 1}] * 2, "c": {"x": 1, "y": 2}}
