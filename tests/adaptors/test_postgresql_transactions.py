"""The transaction of a run, in a real PostgreSQL: all that it writes, or nothing."""

from __future__ import annotations

import threading

import psycopg
import pytest

from adaptors._runtime import run_context
from adaptors.common import fn
from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.postgresql import commit, find_value, insert, insert_many, sql, upsert_many
from openfn.jobs import timeout
from tests.adaptors.wire import wired
from tests.conftest import ended_within

FAIL = fn(lambda _state: 1 / 0)


@pytest.fixture
def state(postgresql_uri):
    return credential(postgresql_uri.split("host=")[1])


def credential(host, **more):
    base = {"host": host, "database": "postgres", "user": "postgres", "password": "c29ycnkh"}
    return {"configuration": base | more, "data": None, "references": []}


@pytest.fixture
def db(postgresql_uri):
    """An empty database, seen by somebody else than the job."""
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        connection.execute("create table t (id int primary key, name text)")
        yield connection


def ids(db):
    return [id_ for (id_,) in db.execute("select id from t order by id")]


def attempt(state, *operations, pending=None):
    """Make an attempt at a run of these operations; note what was pending after each."""
    with run_context.attempt() as is_pending:
        for operate in operations:
            operate(state)
            if pending is not None:
                pending.append(is_pending())


def passing_by(operate):
    """Have a job go on where an operation is refused."""

    def try_it(state):
        with pytest.raises(AdaptorError):
            operate(state)

    return try_it


def test_what_a_run_writes_is_seen_at_its_end_and_all_at_once(state, db):
    seen = []

    def look(state):
        seen.append((find_value("id", "t", {"id": 3})(state), ids(db)))

    attempt(state, insert("t", {"id": 1}), insert_many("t", [{"id": 2}, {"id": 3}]), look)
    assert seen == [(3, [])]
    assert ids(db) == [1, 2, 3]


def test_a_run_that_fails_leaves_nothing_and_the_next_begins_clean(state, db):
    with pytest.raises(RemoteRefused, match="23505"):
        attempt(state, insert("t", {"id": 1}), insert("t", {"id": 2}), insert("t", {"id": 1}))
    with pytest.raises(ZeroDivisionError):
        attempt(state, insert("t", {"id": 3}), FAIL)
    assert ids(db) == []
    attempt(state, insert("t", {"id": 4}))
    assert ids(db) == [4]


def test_outside_of_a_run_each_call_is_a_transaction(state, db):
    insert("t", {"id": 1})(state)
    with pytest.raises(RemoteRefused):
        upsert_many("t", "id", [{"id": 2, "name": "x"}, {"id": "x"}])(state)
    assert ids(db) == [1]


@pytest.mark.parametrize("between", [commit(), sql("commit")])
def test_a_commit_between_keeps_what_was_done_until_then(state, db, between):
    pending = []
    with pytest.raises(ZeroDivisionError):
        attempt(
            state,
            insert("t", {"id": 1}),
            between,
            insert("t", {"id": 2}),
            FAIL,
            pending=pending,
        )
    assert pending == [True, False, True]
    assert ids(db) == [1]


def test_what_only_reads_keeps_no_transaction_open_until_something_is_written(state, db):
    body = "insert into t values (9) returning id"
    db.execute(f"create function writes() returns int language sql as '{body}'")
    opened = "select 1 from pg_stat_activity where state like 'idle in%'"
    open_, pending = [], []

    def look(_state):
        open_.append(len(db.execute(opened).fetchall()))

    reads = [sql("select 1"), sql("with x as (select 1) select * from x"), look]
    find = find_value("id", "t", {"id": 1})
    attempt(state, *reads, find, sql("select writes()"), look, pending=pending)
    assert pending == [False, False, False, False, True, True]
    assert open_ == [0, 1]
    assert ids(db) == [9]


@pytest.mark.parametrize(
    "first",
    [
        "with x as (insert into t values (7) returning id) select * from x",
        "select set_config('app.who', 'Amina', true)",
        "select pg_advisory_xact_lock(7)",
        "select * from t for update",
        "set local app.who = 'Amina'",
    ],
)
def test_what_is_for_the_rest_of_the_transaction_begins_it(state, db, first):
    pending = []
    attempt(state, sql(first), pending=pending)
    assert pending == [True]


def test_an_error_that_the_job_passes_by_cannot_end_well(state, db):
    write = insert("t", {"id": 1})
    with pytest.raises(ConfigurationError, match="nothing of what it wrote"):
        attempt(state, write, passing_by(write))
    with pytest.raises(ConfigurationError, match=r"25P02.*a statement before this one failed"):
        attempt(state, passing_by(insert("t", {"id": "x"})), insert("t", {"id": 2}))
    assert ids(db) == []


def test_a_reading_statement_that_fails_spoils_nothing(state, db):
    pids = []

    def note(state):
        pids.extend(sql("select pg_backend_pid() as pid")(state)["data"])

    attempt(state, note, passing_by(sql("select 1/0")), insert("t", {"id": 1}), note)
    assert ids(db) == [1]
    assert pids[0] == pids[1]


def test_what_is_found_wrong_only_at_the_commit_fails_the_attempt(state, db):
    db.execute("create table u (t int references t deferrable initially deferred)")
    with pytest.raises(RemoteRefused, match="23503"):
        attempt(state, insert("u", {"t": 7}))
    attempt(state, insert("u", {"t": 7}), insert("t", {"id": 7}))
    assert db.execute("select t from u").fetchall() == [(7,)]


def test_what_asks_for_no_transaction_has_none_and_not_amidst_one(state, db):
    vacuum = sql("vacuum t", transaction=False)
    pending = []
    attempt(state, vacuum, insert("t", {"id": 1}), commit(), vacuum, pending=pending)
    assert pending == [False, True, False, False]
    with pytest.raises(ConfigurationError, match=r"put commit\(\) before"):
        attempt(state, insert("t", {"id": 2}), vacuum)
    assert ids(db) == [1]


def test_two_credentials_of_one_run_are_two_transactions_that_end_together(state, db):
    other = credential(state["configuration"]["host"], password="other")
    write = lambda _: insert("t", {"id": 2})(other)  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        attempt(state, insert("t", {"id": 1}), write, FAIL)
    assert ids(db) == []
    attempt(state, insert("t", {"id": 1}), write)
    assert ids(db) == [1, 2]


def test_a_deadlock_is_for_now_and_the_one_who_met_it_leaves_nothing(state, db):
    insert_many("t", [{"id": 1}, {"id": 2}])(state)
    errors, met = [], threading.Barrier(2)

    def work(first, second):
        update = "update t set name = %s where id = %s"
        quickly = sql("set local deadlock_timeout = '20ms'")
        meet = lambda _: met.wait(10)  # noqa: E731
        try:
            attempt(state, quickly, sql(update, [first] * 2), meet, sql(update, [first, second]))
        except RemoteUnavailable as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert len(errors) == 1
    assert "40P01" in errors[0]
    assert len({name for (name,) in db.execute("select name from t")}) == 1


def test_a_serialization_failure_is_for_now(state, db):
    insert("t", {"id": 1})(state)
    begin = sql("set transaction isolation level serializable; insert into t values (2)")
    between = lambda _: db.execute("update t set name = 'x'")  # noqa: E731
    with pytest.raises(RemoteUnavailable, match="40001"):
        attempt(state, begin, between, sql("update t set name = 'y' where id = 1"))
    assert ids(db) == [1]


def test_a_lock_that_is_taken_is_for_now(state, db):
    insert("t", {"id": 1})(state)
    with db.transaction():
        db.execute("select * from t for update")
        with pytest.raises(RemoteUnavailable, match="55P03"):
            sql("select * from t for update nowait")(state)


def test_a_connection_lost_amidst_a_run_is_for_now_and_nothing_is_half_done(state, db):
    def lose(state):
        (row,) = sql("select pg_backend_pid() as pid")(state)["data"]
        db.execute("select pg_terminate_backend(%s, 5000)", [row["pid"]])

    with pytest.raises(RemoteUnavailable, match="with it what this run had written"):
        attempt(
            state,
            insert("t", {"id": 1}),
            lose,
            passing_by(insert("t", {"id": 2})),
            insert("t", {"id": 3}),
        )
    with pytest.raises(RemoteUnavailable, match="with it what this run had written"):
        attempt(state, insert("t", {"id": 1}), lose, passing_by(insert("t", {"id": 2})))
    assert ids(db) == []
    insert("t", {"id": 4})(state)
    assert ids(db) == [4]


def test_a_connection_lost_at_the_commit_fails_the_attempt(state, db):
    with wired(state["configuration"]["host"]) as wire:
        state = credential("127.0.0.1", port=wire.port, ssl=False)
        wire.cut = lambda kind, content: kind == "Q" and content.startswith(b"COMMIT")
        with pytest.raises(RemoteUnavailable, match="connection to PostgreSQL failed"):
            attempt(state, insert("t", {"id": 1}))
        wire.cut = lambda *_: False
        attempt(state, insert("t", {"id": 2}))
    assert ids(db) == [2]


def test_a_run_whose_time_is_over_is_rolled_back_and_its_statement_cancelled(state, db):
    slow = sql("update t set name = pg_sleep(30)::text", timeout=None)
    with pytest.raises(timeout.TimedOut), timeout.within(0.3):
        attempt(state, insert("t", {"id": 1}), slow)
    sleeping = "select 1 from pg_stat_activity where wait_event = 'PgSleep'"
    ended_within(5, lambda: not db.execute(sleeping).fetchall())
    insert("t", {"id": 1})(state)
    assert ids(db) == [1]


def test_a_statement_may_take_as_long_as_its_call_says(state, db):
    with pytest.raises(RemoteUnavailable, match=r"57014.*timeout="):
        sql("select pg_sleep(30)", timeout=0.05)(state)
    slow = sql("insert into t select 2 from pg_sleep(30)", timeout=0.05)
    with pytest.raises(RemoteUnavailable, match="57014"):
        attempt(state, insert("t", {"id": 1}), slow)
    asked = "select current_setting('statement_timeout') as limit"
    assert sql(asked, timeout=None)(state)["data"] == [{"limit": "0"}]
    assert sql(asked)(state)["data"] == [{"limit": "1min"}]
    assert ids(db) == []
