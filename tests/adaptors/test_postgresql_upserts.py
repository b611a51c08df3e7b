"""Upserts of records that lack columns which PostgreSQL requires of a new row."""

from __future__ import annotations

import pytest

from adaptors._runtime import run_context
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.postgresql import insert_many, sql, upsert, upsert_many
from tests.support import postgres_proxy
from tests.support.postgresql_database import (
    empty_database,
    proxied_state,
    socket_folder,
    state_for,
)

TABLE = """
create table p (id int primary key, name text not null, age int, code varchar(3), zone char(2),
    village text not null default 'none', day date, unique (code, zone))
"""
STORED = [
    {"id": 1, "name": "Amina", "age": 34},
    {"id": 2, "name": "Kofi", "code": "b", "zone": "x"},
]


@pytest.fixture
def state(postgresql_uri):
    return state_for(socket_folder(postgresql_uri))


@pytest.fixture
def db(postgresql_uri, state):
    with empty_database(postgresql_uri, TABLE) as connection:
        insert_many("p", STORED)(state)
        yield connection


def rows(db, columns="id, name, age"):
    return db.execute(f"select {columns} from p order by 1").fetchall()


@pytest.mark.parametrize("key", ["id", ["id"], "on constraint p_pkey"])
def test_upsert_of_some_columns_updates_the_existing_row(state, db, key):
    after = upsert("p", key, {"id": "1", "age": "35", "day": "2026-03-09"})(state)
    assert rows(db) == [(1, "Amina", 35), (2, "Kofi", None)]
    assert (after["data"], after["result"]) == ([], {"command": "INSERT", "rows": 1})


def test_rows_are_returned_in_the_order_of_the_records(state, db):
    db.execute(
        "create function name_it() returns trigger language plpgsql as "
        "$$ begin new.name = coalesce(new.name, 'new'); return new; end $$; "
        "create trigger name_it before insert on p for each row execute function name_it()"
    )
    records = [{"id": 9, "age": 9}, {"id": "2", "age": 2}, {"id": 8, "age": 8}, {"id": 1, "age": 1}]
    after = upsert_many("p", "id", records, returning=["id", "name"])(state)
    expected = [(9, "new"), (2, "Kofi"), (8, "new"), (1, "Amina")]
    assert [(row["id"], row["name"]) for row in after["data"]] == expected
    assert after["result"]["rows"] == 4
    assert rows(db, "id, age") == [(1, 1), (2, 2), (8, 8), (9, 9)]
    (row,) = upsert("p", "id", {"id": 1, "age": 3}, returning="*")(state)["data"]
    assert set(row) == {"id", "name", "age", "code", "zone", "village", "day"}


def test_complete_and_incomplete_records_are_mixed(state, db):
    records = [{"id": n, "name": f"n{n}"} for n in (2, 3)] + [{"id": 1, "age": 1}]
    upsert_many("p", "id", records)(state)
    assert rows(db) == [(1, "Amina", 1), (2, "n2", None), (3, "n3", None)]


def test_thousands_of_incomplete_records_are_updated(state, db):
    insert_many("p", [{"id": n, "name": f"n{n}"} for n in range(3, 2503)])(state)
    upsert_many("p", "id", [{"id": n, "age": n} for n in range(1, 2503)])(state)
    assert db.execute("select count(*) from p where age = id").fetchone() == (2502,)


def test_incomplete_record_without_a_row_is_refused_and_nothing_is_written(state, db):
    with pytest.raises(RemoteRefused, match='23502: null value in column "name"'):
        upsert_many("p", "id", [{"id": 1, "age": 1}, {"id": 7, "age": 7}])(state)
    assert rows(db)[0] == (1, "Amina", 34)


def test_key_of_several_columns_ignores_the_padding_of_its_type(state, db):
    upsert("p", ["code", "zone"], {"code": "b", "zone": "x", "age": 7})(state)
    assert rows(db)[1] == (2, "Kofi", 7)


@pytest.mark.parametrize("key", ["village", ["id", "village"]])
def test_incomplete_record_needs_a_unique_index_too(state, db, key):
    with pytest.raises(ConfigurationError, match="42P10"):
        upsert("p", key, {"id": 1, "village": "none", "age": 1})(state)
    assert rows(db)[0] == (1, "Amina", 34)


@pytest.mark.parametrize(("column", "kind"), [("code", "varchar"), ("zone", "char"), ("d", "")])
def test_longer_text_is_refused_and_not_cut(state, db, column, kind):
    db.execute("create domain short as varchar(3); create domain shorter as short")
    db.execute("alter table p add d shorter")
    with pytest.raises(RemoteRefused, match="22001"):
        upsert("p", "id", {"id": 1, column: "abcdef"})(state)
    db.execute("drop domain short cascade")


def test_check_of_other_columns_applies_to_the_updated_row(state, db):
    db.execute("alter table p alter name drop not null, add check (name is not null)")
    upsert("p", "id", {"id": 1, "age": 1})(state)
    assert rows(db)[0] == (1, "Amina", 1)


def test_the_same_key_written_differently_is_refused(state, db):
    with pytest.raises(RemoteRefused, match="written differently"):
        upsert_many("p", "id", [{"id": "1", "age": 1}, {"id": "01", "age": 2}])(state)
    assert rows(db)[0] == (1, "Amina", 34)


def test_row_that_is_inserted_meanwhile_is_updated(state, db):
    def insert_row(_kind, content):
        if content.startswith(b"SAVEPOINT"):
            db.execute("insert into p (id, name) values (7, 'Zoé')")
        return False

    with postgres_proxy.running(state["configuration"]["host"]) as proxy:
        proxied = proxied_state(proxy.port, ssl=False)
        proxy.should_cut = insert_row
        records = [{"id": 1, "age": 1}, {"id": 7, "age": 7}]
        after = upsert_many("p", "id", records, returning="id")(proxied)
    assert after["data"] == [{"id": 1}, {"id": 7}]
    assert rows(db)[::2] == [(1, "Amina", 1), (7, "Zoé", 7)]


def test_column_that_the_run_makes_required_is_noticed(state, db):
    with run_context.attempt():
        upsert("p", "id", {"id": 1, "age": 1, "name": "x"})(state)
        sql("alter table p alter village drop default")(state)
        upsert("p", "id", {"id": 1, "age": 2, "name": "y"})(state)
    assert rows(db)[0] == (1, "y", 2)


@pytest.mark.parametrize(("value", "error"), [("x", "22P02.*'age' of record 1"), ("", "set_null")])
def test_error_of_a_value_names_column_and_record(state, db, value, error):
    with pytest.raises(RemoteRefused, match=error):
        upsert("p", "id", {"id": 1, "age": value})(state)


def test_unknown_column_is_an_author_error(state, db):
    with pytest.raises(ConfigurationError, match="42703"):
        upsert("p", "id", {"id": 1, "nix": 1})(state)
