"""Records in a real PostgreSQL: written by name, bound as text, converted by the server."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors.common import data_value, each, fn
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.postgresql import (
    find_value,
    insert,
    insert_many,
    insert_table,
    modify_table,
    sql,
    upsert,
    upsert_if,
    upsert_many,
)
from tests.support.postgresql_database import empty_database, socket_folder, state_for

HOSTILE = [
    "x'); drop table t; --",
    'x"); drop table t; --',
    "$1",
    "%s %(name)s %%",
    "\\'; drop table t; --",
    "E'\\x'",
    "NULL",
    "DEFAULT",
    "{a,b}",
    "",
    " Größe 🩺 ",
    "line\nline",
]
TABLE = """
create table t (id int primary key, name text default 'nobody', age int, day date,
    weight numeric(5, 2), extra jsonb, tags text[], numbers int[], seen timestamptz, photo bytea,
    ok boolean)
"""


@pytest.fixture
def state(postgresql_uri):
    data = {"id": "7", "age": "34", "tags": ["a", 'b "c"', None]}
    return state_for(socket_folder(postgresql_uri), data)


@pytest.fixture
def db(postgresql_uri):
    """An empty database, through a connection that is not the job's."""
    with empty_database(postgresql_uri, TABLE) as connection:
        yield connection


def rows(db, columns="*", table="t"):
    return db.execute(f"select {columns} from {table} order by 1").fetchall()


def test_texts_of_a_form_are_converted_to_the_type_of_their_column(state, db):
    record = {
        "id": data_value("id"),
        "age": data_value("age"),
        "day": "2026-03-09",
        "weight": "12.5",
        "ok": "true",
        "seen": "2026-03-09T10:00:00+03:00",
        "extra": '{"a": 1}',
        "numbers": "{1,2}",
    }
    after = insert("t", record)(state)
    assert after["result"] == {"command": "INSERT", "rows": 1}
    assert (after["data"], after["references"]) == ([], [state["data"]])
    ((id_, age, day, weight, ok, seen, extra, numbers),) = rows(
        db, "id, age, day, weight, ok, seen, extra, numbers"
    )
    assert (id_, age, day, weight, ok) == (
        7,
        34,
        dt.date(2026, 3, 9),
        Decimal("12.50"),
        True,
    )
    assert (seen.timestamp(), extra, numbers) == (1773039600, {"a": 1}, [1, 2])


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("age", 34.0, 34),
        ("age", 34, 34),
        ("name", 34.0, "34"),
        ("name", True, "true"),
        ("name", None, None),
        ("name", UUID(int=7), str(UUID(int=7))),
        ("ok", False, False),
        ("extra", False, False),
        ("extra", {"a": [1, None, {"b": "c"}]}, {"a": [1, None, {"b": "c"}]}),
        ("extra", [1, "two"], [1, "two"]),
        ("extra", [], []),
        ("name", ["a", {"b": 1}], '["a", {"b": 1}]'),
        ("tags", ["a", 'b "c"', "d\\e", "{f}", None, "NULL", ""], None),
        ("tags", ("a", "b"), ["a", "b"]),
        ("tags", [], []),
        ("tags", [["a", "b"], ["c", "d"]], None),
        ("numbers", ["1", 2, None], [1, 2, None]),
        ("weight", Decimal("1.005"), Decimal("1.01")),
        ("weight", 0.1, Decimal("0.10")),
        ("day", dt.date(2026, 3, 9), None),
        ("day", dt.datetime(2026, 3, 9, 10, tzinfo=dt.UTC), dt.date(2026, 3, 9)),
        ("seen", dt.datetime(2026, 3, 9, 10, tzinfo=dt.UTC), None),
        ("photo", b"\x00\xff", None),
    ],
)
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_python_values_are_stored_unchanged(state, db, column, value, stored, many):
    record = {"id": 1, column: value}
    (insert_many("t", [record, {"id": 2}]) if many else insert("t", record))(state)
    assert rows(db, f"id, {column}")[0][1] == (stored if stored is not None else value)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_is_never_executed_as_sql(state, db, text):
    insert("t", {"id": 1, "name": text, "tags": [text], "extra": {text: text}})(state)
    upsert("t", "id", {"id": 1, "name": text})(state)
    insert_many("t", [{"id": 2, "name": text}, {"id": 3, "name": text}])(state)
    assert rows(db, "name, tags, extra")[0] == (text, [text], {text: text})
    assert find_value("id", "t", {"name": text, "id": 2})(state) == 2
    assert sql("select count(*) from t where name = %s", [text])(state)["data"] == [{"count": 3}]
    assert sql("select count(*) from t where name = $1", [text])(state)["data"] == [{"count": 3}]
    named = sql("select count(*) from t where name = %(x)s", {"x": text})(state)
    assert named["data"] == [{"count": 3}]


@pytest.mark.parametrize(
    "name",
    ['Größe "x"', "group1/name", "a b", 'x") values (1); drop table t; --', "select", "%s", "$1"],
)
def test_names_with_special_characters_are_quoted(state, db, name):
    table, column = psycopg.sql.Identifier(name), psycopg.sql.Identifier(name)
    statement = psycopg.sql.SQL("create table {} (id int unique, {} text)").format(table, column)
    db.execute(statement)
    insert(name, {"id": 1, name: "a"})(state)
    upsert(name, "id", {"id": 1, name: "b"})(state)
    assert find_value(name, name, {name: "b"})(state) == "b"
    after = insert_many(name, [{name: "c", "id": 2}, {"id": 3}], returning=name)(state)
    assert after["data"] == [{name: "c"}, {name: None}]
    assert db.execute("select count(*) from t").fetchone() == (0,)


def test_a_table_name_has_a_schema_and_may_be_quoted(state, db):
    db.execute('create schema if not exists "a.b"; create table "a.b"."c""d" (id int)')
    insert('"a.b".c"d', {"id": 1})(state)
    insert('"a.b"."c""d"', {"id": 2})(state)
    assert rows(db, table='"a.b"."c""d"') == [(1,), (2,)]
    db.execute('drop schema "a.b" cascade')


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", 'a."', None, 7, "a\0b"])
def test_an_invalid_table_name_is_an_author_error(state, db, name):
    with pytest.raises(ConfigurationError, match=r"Invalid (table )?name|does not exist"):
        insert(name, {"id": 1})(state)


def test_values_are_written_by_column_name_in_any_order(state, db):
    records = [
        {"id": 1, "name": "Amina", "age": 1},
        {"age": 2, "id": 2},
        {"name": "Kofi", "id": 3},
        {"day": "2026-03-09", "age": None, "name": None, "id": 4},
    ]
    insert_many("t", records)(state)
    assert rows(db, "id, name, age, day") == [
        (1, "Amina", 1, None),
        (2, "nobody", 2, None),
        (3, "Kofi", None, None),
        (4, None, None, dt.date(2026, 3, 9)),
    ]


def test_an_upsert_changes_only_the_columns_of_the_record(state, db):
    insert("t", {"id": 1, "name": "Amina", "age": 1})(state)
    upsert("t", "id", {"id": "1", "age": "2"})(state)
    upsert("t", ["id"], {"name": "Kofi", "id": "2"})(state)
    upsert("t", "ON CONSTRAINT t_pkey", {"id": 2, "day": "2026-03-09"})(state)
    assert upsert("t", "id", {"id": 2}, returning="id")(state)["data"] == [{"id": 2}]
    assert rows(db, "id, name, age, day") == [
        (1, "Amina", 2, None),
        (2, "Kofi", None, dt.date(2026, 3, 9)),
    ]


@pytest.mark.parametrize("key", ["id", ["id"], "on constraint t_pkey", 'ON CONSTRAINT "t_pkey"'])
def test_the_last_record_with_a_key_wins_in_upsert_many(state, db, key):
    insert("t", {"id": 1, "name": "before", "age": 1})(state)
    records = [
        {"id": 1, "age": 2},
        {"name": "two", "id": "2"},
        {"id": "1", "age": 3, "name": "after"},
        {"id": 2, "age": 4},
        {"age": 5, "id": 1},
    ]
    upsert_many("t", key, records)(state)
    assert rows(db, "id, name, age") == [(1, "after", 5), (2, "two", 4)]


def test_upsert_many_changes_only_the_columns_of_each_record(state, db):
    insert_many("t", [{"id": n, "name": f"n{n}", "age": n} for n in (1, 2, 3)])(state)
    upsert_many("t", "id", [{"id": 1, "age": 7}, {"id": 4, "age": 8}, {"name": "x", "id": 2}])(
        state
    )
    assert rows(db, "id, name, age") == [(1, "n1", 7), (2, "x", 2), (3, "n3", 3), (4, "nobody", 8)]


def test_a_key_of_several_columns_never_matches_null(state, db):
    db.execute("create table v (village text, day date, n int, unique (village, day))")
    records = [
        {"village": "A", "day": "2026-03-09", "n": 1},
        {"village": "A", "day": "2026-03-10", "n": 2},
        {"village": "A", "day": "2026-03-09", "n": 3},
        {"village": "A", "day": None, "n": 4},
        {"village": "A", "day": None, "n": 5},
    ]
    upsert_many("v", ["village", "day"], records)(state)
    assert sorted(n for (n,) in rows(db, "n", "v")) == [2, 3, 4, 5]


def test_the_same_key_written_differently_is_refused(state, db):
    with pytest.raises(RemoteRefused, match=r"21000.*written differently"):
        upsert_many("t", "id", [{"id": "7"}, {"id": "07"}])(state)
    assert rows(db) == []


def test_existing_rows_can_be_skipped(state, db):
    insert("t", {"id": 1, "name": "first"})(state)
    after = insert("t", {"id": 1, "name": "second"}, on_conflict="ignore")(state)
    assert after["result"] == {"command": "INSERT", "rows": 0}
    records = [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}, {"id": 2, "name": "z"}]
    after = insert_many("t", records, on_conflict="ignore", returning=["id", "name"])(state)
    assert after["data"] == [{"id": 2, "name": "y"}]
    assert rows(db, "id, name") == [(1, "first"), (2, "y")]
    with pytest.raises(ConfigurationError, match='"error" or "ignore"'):
        insert("t", {"id": 1}, on_conflict="update")(state)


def test_empty_texts_become_null_with_set_null(state, db):
    record = {"id": 1, "name": "", "age": "", "day": "n/a"}
    insert("t", record, set_null=["", "n/a"])(state)
    upsert("t", "id", {"id": 2, "name": "", "age": ""} | {"name": "x"}, set_null="")(state)
    insert_many("t", [{"id": 3, "name": "", "age": 0}, {"id": 4, "name": "a"}], set_null="")(state)
    assert rows(db, "id, name, age, day") == [
        (1, None, None, None),
        (2, "x", None, None),
        (3, None, 0, None),
        (4, "a", None, None),
    ]


def test_an_upsert_can_depend_on_a_condition(state, db):
    upsert_if(data_value("age"), "t", "id", {"id": 1})(state)
    assert upsert_if(data_value("nothing"), "t", "id", {"id": 2})(state) is state
    assert rows(db, "id") == [(1,)]


def test_an_empty_list_is_accepted_and_one_record_works_as_a_list(state, db, capsys):
    assert insert_many("t", [])(state) is state
    assert upsert_many("t", "id", None)(state) is state
    assert capsys.readouterr().out == "No records for table t.\n" * 2
    insert_many("t", {"id": 1})(state)
    assert rows(db, "id") == [(1,)]


@pytest.mark.parametrize(
    ("operate", "message"),
    [
        (insert("t", {}), "have no columns"),
        (insert("t", "x"), "Record 1 must be a dict of column and value, not str"),
        (insert_many("t", [{"id": 1}, 7]), "Record 2 must be a dict"),
        (insert("t", {"id": {1}}), "Column 'id' of record 1: A value of type set cannot be sent"),
        (upsert("t", [], {"id": 1}), "The key is empty"),
        (sql("select %s, $1", [1]), "one kind of placeholder"),
        (sql("select %s", "a"), "values of a query must be a list"),
        (sql("select 1", timeout=0), "more than 0 seconds"),
        (sql(7), "SQL must be text, not int"),
    ],
)
def test_invalid_arguments_are_author_errors(state, db, operate, message):
    with pytest.raises(ConfigurationError, match=message):
        operate(state)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_a_text_that_postgresql_cannot_store_is_refused(state, db, text):
    records = [{"id": 1}, {"id": 2, "name": text}]
    with pytest.raises(RemoteRefused, match="Column 'name' of record 2"):
        insert_many("t", records)(state)
    assert rows(db) == []


def test_find_value_looks_up_a_column(state, db):
    db.execute("create table facilities (id int, code text, district text)")
    db.execute("insert into facilities values (70, '7', 'North'), (80, '8', null), (90, '9', 'N')")
    facility = find_value("id", "facilities", {"code": data_value("id")})
    insert("t", {"id": 1, "age": facility, "extra": {"facility": facility}})(state)
    assert rows(db, "age, extra") == [(70, {"facility": 70})]
    lookups = [
        ({"code": "x"}, {}, None),
        ({"district": None}, {}, 80),
        ({"district": None, "code": "8"}, {"district": "<>"}, None),
        ({"code": ["9", "8"]}, {"code": "="}, 80),
        ({"id": "70"}, {"id": ">"}, 80),
        ({"district": "n%"}, {"district": "ILIKE"}, 70),
        ({}, {}, 70),
    ]
    for where, operators, expected in lookups:
        assert find_value("id", "facilities", where, operators=operators)(state) == expected
    with pytest.raises(ConfigurationError, match="Unknown operator"):
        find_value("id", "facilities", {"id": 1}, operators={"id": "= 1 or 1 ="})(state)


def test_rows_are_converted_to_json_values(state, db):
    query = """
        select 1.50::numeric as short, 12345678901234567890.123::numeric as exact, 10::numeric as
        whole, 'nan'::float8 as nan, '1e1000'::numeric as huge, 9007199254740993 as big,
        '2026-03-09 10:00+00'::timestamptz as stamp, '2026-03-09'::date as day,
        'infinity'::timestamp as never, '0044-03-15 BC'::date as ides, '\\x0001'::bytea as bytes,
        '{"a": [1.5, "x"]}'::jsonb as json, array[1.5, null]::numeric[] as numbers,
        array['2026-03-09 10:00'::timestamp] as stamps, '1 day'::interval as time,
        int4range(1, 3) as range, true as yes, null as nothing
    """
    ((row),) = sql(query)(state)["data"]
    stamp = dt.datetime.fromisoformat(row.pop("stamp"))
    assert stamp == dt.datetime(2026, 3, 9, 10, tzinfo=dt.UTC)
    assert (
        json.loads(json.dumps(row, allow_nan=False))
        == row
        == {
            "short": 1.5,
            "exact": "12345678901234567890.123",
            "whole": 10,
            "nan": "nan",
            "huge": "1" + "0" * 1000,
            "big": 9007199254740993,
            "day": "2026-03-09",
            "never": "infinity",
            "ides": "0044-03-15 BC",
            "bytes": "AAE=",
            "json": {"a": [1.5, "x"]},
            "numbers": [1.5, None],
            "stamps": ["2026-03-09T10:00:00"],
            "time": "1 day",
            "range": "[1,3)",
            "yes": True,
            "nothing": None,
        }
    )


def test_dates_are_read_and_returned_as_iso_whatever_the_server_s_date_style_is(state, db):
    db.execute("alter role postgres set datestyle = 'SQL, DMY'")
    other_state = {**state, "configuration": {**state["configuration"], "password": "another"}}
    insert("t", {"id": 1, "day": "2026-03-09"})(other_state)
    rows = sql("select day, day::timestamp as timestamp from t")(other_state)["data"]
    with pytest.raises(RemoteRefused, match="22008"):
        sql("select %s::date", ["12/03/2026"])(other_state)
    db.execute("alter role postgres reset datestyle")
    assert rows == [{"day": "2026-03-09", "timestamp": "2026-03-09T00:00:00"}]


@pytest.mark.parametrize(
    "text", ["12/03/2026", "12/03/26", " 12.3.26 10:00", "12-Mar-26", "260312T10", "26.071"]
)
@pytest.mark.parametrize("column", ["day", "seen", "birthday"])
def test_a_date_whose_year_is_not_first_is_an_author_error(state, db, text, column):
    db.execute("create domain past as date; alter table t add birthday past")
    with pytest.raises(ConfigurationError, match=f"'{column}' of record 2.*four-digit") as caught:
        upsert_many("t", "id", [{"id": 1, "name": text}, {"id": 2, column: text}])(state)
    assert text.strip() not in str(caught.value)
    assert rows(db) == []
    db.execute("drop domain past cascade")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-12", dt.date(2026, 3, 12)),
        ("20260312", dt.date(2026, 3, 12)),
        ("2026/3/12 10:00", dt.date(2026, 3, 12)),
        ("2026 Mar 12", dt.date(2026, 3, 12)),
    ],
)
def test_a_date_with_its_year_first_is_stored(state, db, text, day):
    insert("t", {"id": 1, "day": text, "name": "12/03/26"})(state)
    assert rows(db, "day, name") == [(day, "12/03/26")]


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("birthday", "12/03/26"),
        ("date[]", ["2026-03-12", "12/03/26"]),
        ("timestamptz[]", "{2026-03-12,12/03/26}"),
        ("daterange", "[2026-03-12,12/03/26)"),
        ("date", 120326),
    ],
)
def test_a_date_inside_another_type_begins_with_its_year(state, db, type_name, value):
    db.execute("create domain past as date; create domain birthday as past")
    db.execute(f"alter table t add days {type_name}")
    with pytest.raises(ConfigurationError, match=r"'days' of record 1.*four-digit"):
        insert("t", {"id": 1, "days": value})(state)
    year_first = json.dumps(value).replace("12/03/26", "2026-04-01").replace("120326", "20260401")
    insert("t", {"id": 1, "days": json.loads(year_first)})(state)
    assert "2026-04-01" in rows(db, "days::text")[0][0]


@pytest.mark.parametrize("column", ["day", "seen", "age"])
def test_the_error_of_an_empty_text_names_set_null(state, db, column):
    with pytest.raises(RemoteRefused, match='set_null=""'):
        insert("t", {"id": 1, column: ""})(state)


def test_a_partial_unique_index_is_an_author_error_with_a_remedy(state, db):
    db.execute("create unique index on t (name) where ok")
    with pytest.raises(ConfigurationError, match="unique index without WHERE"):
        upsert("t", "name", {"id": 1, "name": "Amina"})(state)


QUESTION = "group_household/group_members/what_is_the_age_of_the_oldest_chi"  # 63 bytes


@pytest.mark.parametrize("long", [f"{QUESTION}ld", "ü" * 32])
def test_a_name_that_postgresql_would_cut_is_an_author_error(state, db, long):
    db.execute(f'alter table t add "{QUESTION}" int')
    column = {"name": long, "type": "int"}
    for operate in (
        insert("t", {"id": 1, long: 1}),
        upsert("t", long, {"id": 1}),
        upsert("t", f"ON CONSTRAINT {long}", {"id": 1}),
        insert(long, {"id": 1}),
        insert("t", {"id": 1}, returning=[long]),
        insert_table("u", [column]),
        modify_table("t", [column]),
        fn(find_value(long, "t", {"id": 1})),
    ):
        with pytest.raises(ConfigurationError, match="more than 63 bytes"):
            operate(state)
    insert("t", {"id": 1, QUESTION: 7})(state)
    assert rows(db, f'"{QUESTION}"') == [(7,)]


def test_bound_values_take_the_type_of_their_placeholder(state, db):
    insert_many("t", [{"id": n, "name": f"n{n}"} for n in range(5)])(state)
    queries = [
        ("select id from t where id = %s", ["3"], [3]),
        ("select id from t where id = any(%s) order by 1", [[1, "2"]], [1, 2]),
        ("select id from t where id in ($1, $2) and name like 'n%' order by 1", [1, 2.0], [1, 2]),
        ("select id from t where name like 'n%%' and id > %s", [3], [4]),
        ("select id from t order by id limit %(n)s", {"n": "2"}, [0, 1]),
        ("select (%s::jsonb ->> 'a')::int as id", [{"a": 7}], [7]),
        ("select %s::int as id", [None], [None]),
        ("select id from t where name = '$1' or id = %s", [0], None),
    ]
    for query, values, expected in queries:
        if expected is None:
            with pytest.raises(ConfigurationError, match="one kind of placeholder"):
                sql(query, values)(state)
        else:
            assert [row["id"] for row in sql(query, values)(state)["data"]] == expected


def test_sql_without_values_is_executed_unchanged(state, db):
    after = sql("insert into t (id, name) values (1, '100%s $1'); select name from t")(state)
    assert after["data"] == [{"name": "100%s $1"}]
    assert after["result"] == {"command": "SELECT", "rows": 1}
    after = sql("update t set age = 3")(state)
    assert (after["data"], after["result"]) == ([], {"command": "UPDATE", "rows": 1})


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"id": "7"}, r'23505: duplicate key .*"t_pkey" \(table public.t, constraint t_pkey\)'),
        ({"id": None}, r'23502: null value in column "id" .*\(table public.t, column id\)'),
        ({"id": "c29ycnkh"}, r"22P02: .*integer: \"…\", in column 'id' of record 1"),
        ({"id": 8, "day": "c29ycnkh"}, r"22007: .*date: \"…\", in column 'day' of record 1"),
        ({"id": 8, "age": "99999999999"}, r"22003: value \"…\" is out of range"),
        ({"id": 8, "weight": "c29ycnkh"}, r"22P02"),
        ({"id": 8, "extra": "{c29ycnkh"}, r"22P02: invalid input syntax for type json"),
    ],
)
def test_the_error_of_a_refused_row_has_no_values_but_the_log_has(
    state, db, capsys, record, message
):
    insert("t", {"id": 7, "name": "c29ycnkh"})(state)
    capsys.readouterr()
    with pytest.raises(RemoteRefused, match=message) as caught:
        insert("t", record)(state)
    assert "c29ycnkh" not in str(caught.value)
    assert "(7)" not in str(caught.value)
    log = capsys.readouterr().out
    values = [str(value) for value in record.values() if value not in {8, None}]
    assert not values or values[0] in log
    assert "INSERT INTO" in log.splitlines()[0]
    assert not any(value in log.splitlines()[0] for value in values)


def test_a_refused_record_of_many_is_named(state, db):
    records = [{"id": n, "age": n} for n in range(1, 2501)]
    records[2345] = {"age": "c29ycnkh", "id": 2346}
    with pytest.raises(RemoteRefused, match="in column 'age' of record 2346"):
        insert_many("t", records)(state)
    with pytest.raises(RemoteRefused, match="in column 'age' of record 2346"):
        upsert_many("t", "id", records)(state)
    assert rows(db) == []


@pytest.mark.parametrize(
    ("operate", "message"),
    [
        (insert("T", {"id": 1}), '42P01: relation "T" does not exist. Names are case-sensitive'),
        (insert("t", {"nix": 1}), '42703: column "nix" of relation "t" does not exist'),
        (upsert("t", "name", {"name": "x"}), "42P10"),
        (sql("selec 1"), "42601"),
        (sql("vacuum"), "25001.*transaction=False"),
        (sql("select concat(%s, 'a')", [1]), "42P18"),
        (sql("select $1::int, $2::int", [1]), "08P01"),
        (sql("select %s::int, %s::int", [1]), "2 placeholders but 1 param"),
        (sql("select 'a%' || %s", [1]), "only '%s', '%b', '%t' are allowed"),
        (sql("select %(a)s::int", {"b": 1}), "parameter missing: a"),
    ],
)
def test_errors_in_the_job_are_author_errors(state, db, operate, message):
    with pytest.raises(ConfigurationError, match=message):
        operate(state)


def test_messages_of_database_functions_are_only_in_the_log(state, db, capsys):
    db.execute(
        "create function f() returns trigger language plpgsql as $$ begin raise notice 'looking'; "
        "raise exception 'no % here', new.name; end $$; "
        "create trigger f before insert on t for each row execute function f()"
    )
    with pytest.raises(RemoteRefused, match="P0001") as caught:
        insert("t", {"id": 1, "name": "c29ycnkh"})(state)
    assert "c29ycnkh" not in str(caught.value)
    log = capsys.readouterr().out
    assert "NOTICE: looking" in log
    assert "no c29ycnkh here" in log


def test_a_dry_run_records_statements_without_connecting(state):
    unreachable = {
        **state,
        "configuration": {**state["configuration"], "host": "127.0.0.1", "port": 1},
    }
    records = [{"id": n, "name": f"n{n}"} for n in range(10_000)]
    with dry_run() as recorded:
        after = insert_many("health.t", records)(unreachable)
        upsert("t", "id", {"id": data_value("id"), "tags": data_value("tags")})(unreachable)
        each("tags", insert("t", {"id": find_value("id", "u", {"c": data_value("")})}))(unreachable)
        sql("select %(a)s", {"a": 1})(unreachable)
    assert (after["data"], after["result"]) == ([], {"command": "", "rows": 0})
    first, second, *rest = [statement.as_dict() for statement in recorded]
    assert first.pop("row_values")[9_999] == ["9999", "n9999"]
    assert first == {
        "sql": 'INSERT INTO "health"."t" ("id", "name") VALUES ($1, $2)',
        "values": ["0", "n0"],
        "rows": 10_000,
    }
    assert second["sql"].endswith('ON CONFLICT ("id") DO UPDATE SET "tags" = EXCLUDED."tags"')
    assert second["values"] == ["7", '["a", "b \\"c\\"", null]']
    assert [statement["sql"].split()[0] for statement in rest] == ["SELECT", "INSERT"] * 3 + [
        "select"
    ]
    assert "hunter2" not in repr(recorded)


def test_a_dry_run_validates_the_credential(state):
    with dry_run(), pytest.raises(ConfigurationError, match="database is missing"):
        insert("t", {"id": 1})({"configuration": {"host": "x", "user": "u"}})


def test_missing_answer_does_not_blank_the_stored_one(state, db):
    stored = {"id": 7, "name": "Amina", "age": 34}
    insert("t", stored)(state)
    record = {"id": data_value("id"), "name": data_value("missing"), "age": None}
    upsert("t", "id", record)(state)
    upsert_many("t", "id", [record, {"id": 8, "name": data_value("tags[0]")}])(state)
    assert rows(db, "id, name, age") == [(7, "Amina", None), (8, "a", None)]


@pytest.mark.parametrize(
    "operate",
    [
        upsert("t", "id", {"id": data_value("missing"), "name": "a"}),
        upsert_many("t", ["name", "id"], [{"id": data_value("missing"), "name": "a"}]),
    ],
)
def test_missing_key_is_an_author_error(state, db, operate):
    with pytest.raises(ConfigurationError, match="Record 1 has no value for its key id"):
        operate(state)
    assert rows(db) == []


def test_missing_value_of_a_statement_is_null(state, db):
    values = {"id": data_value("id"), "age": data_value("missing")}
    sql("insert into t (id, age) values (%(id)s, %(age)s)", values)(state)
    sql("insert into t (id, age) values (%s, %s)", [8, data_value("missing")])(state)
    assert rows(db, "id, age") == [(7, None), (8, None)]


def test_lookup_by_a_missing_answer_is_absent(state, db):
    insert("t", {"id": 1, "name": None})(state)
    lookup = find_value("id", "t", {"name": data_value("missing")})
    insert("t", {"id": 2, "age": lookup, "name": lookup})(state)
    assert rows(db, "id, name, age") == [(1, None, None), (2, "nobody", None)]
