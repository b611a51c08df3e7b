"""`ofn compare` shows what two jobs do differently with the same posts."""

from __future__ import annotations

import json

import pytest

OLD = 'post("people", { body: { name: dataValue("name"), age: dataValue("age") } });'
SAME = """
from adaptors.common import data_value
from adaptors.http import post

post("people", {"name": data_value("name"), "age": data_value("age")})
"""


@pytest.fixture
def compare(ofn, project):
    """Compare a JavaScript job of http@6 with another job on two posts."""
    project.write("events/1.json", '{"name": "Amina", "age": 3}')
    project.write("events/2.json", '{"name": "Kofi"}')
    old = project.write("jobs/old.js", OLD)

    def run(name, code, *options):
        new = project.write(f"jobs/{name}", code)
        events = project.folder / "events"
        return ofn("compare", old, new, "--events", events, "--adaptor", "http@6", *options)

    return run


def test_job_that_was_rewritten_in_python_does_the_same(compare):
    ended = compare("new.py", SAME)
    assert ended.out.splitlines()[-1] == "2 of 2 posts: the same. (old | new)"
    assert ended.status == 0


def test_value_that_differs_is_shown_with_its_path(compare):
    ended = compare("new.py", SAME.replace('data_value("age")', "3"))
    assert "  request[0].body.age: nothing | 3" in ended.out
    assert "1.json: the same" in ended.out
    assert ended.status == 1


def test_job_is_compared_under_two_versions_of_its_adaptor(compare):
    ended = compare("again.js", OLD, "--new-adaptor", "http@7", "--json")
    lines = json.loads(ended.out)["differences"]["1.json"]
    assert 'request[0].body.name: "Amina" | nothing' in lines


def test_error_of_one_job_is_a_difference(compare):
    ended = compare("new.js", "fn(s => s.a.b.c);")
    assert "error: none | TypeError: cannot read property" in ended.out


def test_folder_without_posts_is_an_error(ofn, project):
    job, empty = project.write("jobs/old.js", OLD), project.folder / "empty"
    empty.mkdir()
    ended = ofn("compare", job, job, "--events", empty)
    assert "has no files. Save the body of each post in a file." in ended.err
    assert ended.status == 1
