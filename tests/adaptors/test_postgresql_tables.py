"""Tables themselves, in a real PostgreSQL: described, made, and given more columns."""

from __future__ import annotations

import psycopg
import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors.errors import ConfigurationError
from adaptors.postgresql import describe_table, insert, insert_table, modify_table

ALL = [
    {"name": "id", "type": "bigint", "identity": True, "unique": True},
    {"name": "group1/name", "type": "character varying(20)", "required": True},
    {"name": "note", "type": "text", "default": "it's \\ so"},
    {"name": "n", "type": "numeric(10, 2)", "default": 0.5},
    {"name": "made", "type": "timestamp(0) with time zone", "default": "now()"},
    {"name": "tags", "type": "text[]"},
]


@pytest.fixture
def state(postgresql_uri):
    host = postgresql_uri.split("host=")[1]
    credential = {"host": host, "database": "postgres", "user": "postgres"}
    return {"configuration": credential, "data": None, "references": []}


@pytest.fixture(autouse=True)
def db(postgresql_uri):
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        yield connection


def described(state, table="t"):
    return {each.pop("name"): each for each in describe_table(table)(state)["data"]}


def test_a_table_that_is_made_is_what_its_columns_say(state):
    insert_table("t", ALL)(state)
    insert("t", {"group1/name": "Amina"})(state)
    found = described(state)
    assert list(found) == [each["name"] for each in ALL]
    assert found["id"] == {"type": "bigint", "nullable": False, "default": None}
    assert found["group1/name"]["type"] == "character varying(20)"
    assert (found["group1/name"]["nullable"], found["note"]["nullable"]) == (False, True)
    assert found["made"]["default"] == "now()"
    after = insert("t", {"id": 7, "group1/name": "x"}, returning=["id", "note", "n"])(state)
    assert after["data"] == [{"id": 7, "note": "it's \\ so", "n": 0.5}]


def test_a_table_that_is_not_there_has_no_columns(state, db):
    assert describe_table("nix")(state)["data"] == []
    db.execute('create schema other; create table other."T" (a int)')
    assert list(described(state, "other.T")) == ["a"]
    assert describe_table("other.t")(state)["data"] == []
    db.execute("drop schema other cascade")


def test_missing_columns_are_added_as_often_as_one_likes_and_none_is_changed(state):
    insert_table("t", ALL[:2])(state)
    before = described(state)
    for _ in range(2):
        insert_table("t", ALL)(state)
        assert described(state) == before
    for _ in range(2):
        modify_table("t", [{"name": "id", "type": "text"}, *ALL[2:]])(state)
        assert list(described(state)) == [each["name"] for each in ALL]
    assert described(state)["id"] == before["id"]


def test_without_columns_nothing_happens(state):
    assert insert_table("t", [])(state) is state
    assert modify_table("t", None)(state) is state


@pytest.mark.parametrize(
    "kind",
    [
        "int); drop table t; --",
        "int default 1",
        "int primary key",
        "text, b text",
        'text "x"',
        "numeric(1; 2)",
        "",
        None,
        "int\n--",
    ],
)
def test_a_type_is_a_type_and_nothing_else(state, kind):
    with pytest.raises(ConfigurationError, match="is no type of a column"):
        insert_table("t", [{"name": "a", "type": kind}])(state)


@pytest.mark.parametrize(
    "kind",
    [
        "integer",
        "double precision",
        "public.mood",
        "varchar (5)",
        "time without time zone",
        "bit[]",
        "int[3][3]",
        "character varying",
    ],
)
def test_types_of_all_shapes_are_taken(state, db, kind):
    db.execute("create type mood as enum ('good')")
    insert_table("t", [{"name": "a", "type": kind}])(state)
    assert list(described(state)) == ["a"]


def test_a_default_is_never_read_as_sql(state):
    for number, text in enumerate(["x'); drop table t; --", "\\'; --", "current_user; --"]):
        modify = modify_table if number else insert_table
        modify("t", [{"name": f"a{number}", "type": "text", "default": text}])(state)
        modify_table("t", [{"name": "other", "type": "int"}])(state)
        (row,) = insert("t", {"other": 1}, returning="*")(state)["data"]
        assert row[f"a{number}"] == text


@pytest.mark.parametrize("column", ["a", {"name": "a"}, {"name": "a", "type": "int", "x": 1}])
def test_a_column_that_is_none_is_said_to_be_none(state, column):
    with pytest.raises(ConfigurationError, match="a column is a dict of name and type"):
        insert_table("t", [column])(state)


def test_a_dry_run_shows_what_would_be_changed(state):
    with dry_run() as seen:
        insert_table("health.t", [{"name": "id", "type": "int", "identity": True}])(state)
        modify_table("t", ALL[2:3])(state)
        assert describe_table("t")(state)["data"] == []
    assert [each.sql for each in seen] == [
        'CREATE TABLE IF NOT EXISTS "health"."t" ("id" int GENERATED BY DEFAULT AS IDENTITY)',
        "ALTER TABLE \"t\" ADD COLUMN IF NOT EXISTS \"note\" text DEFAULT E'it''s \\\\ so'",
        'SELECT … FROM pg_catalog -- columns of "t"',
    ]
