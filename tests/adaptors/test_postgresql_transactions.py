"""The transaction of a run in a real PostgreSQL: everything it writes is committed, or nothing."""

from __future__ import annotations

import threading

import pytest

from adaptors._runtime import run_context
from adaptors.common import fn
from adaptors.errors import AdaptorError, ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.postgresql import commit, find_value, insert, insert_many, sql, upsert_many
from openfn.jobs import timeout
from tests.conftest import wait_until
from tests.support import postgres_proxy
from tests.support.postgresql_database import (
    empty_database,
    proxied_state,
    socket_folder,
    state_for,
)

FAIL = fn(lambda _state: 1 / 0)


@pytest.fixture
def state(postgresql_uri):
    return state_for(socket_folder(postgresql_uri))


@pytest.fixture
def db(postgresql_uri):
    """An empty database, through a connection that is not the job's."""
    with empty_database(
        postgresql_uri, "create table t (id int primary key, name text)"
    ) as connection:
        yield connection


def ids(db):
    return [id_ for (id_,) in db.execute("select id from t order by id")]


def attempt(state, *operations, pending=None):
    """Execute operations in one attempt, and append to `pending` whether work is pending."""
    with run_context.attempt() as is_pending:
        for operate in operations:
            operate(state)
            if pending is not None:
                pending.append(is_pending())


def ignoring_errors(operate):
    """Return an operation that applies this one and ignores its errors."""

    def operate_and_continue(state):
        with pytest.raises(AdaptorError):
            operate(state)

    return operate_and_continue


def test_writes_become_visible_together_at_the_end_of_the_run(state, db):
    values = []

    def look_up(state):
        values.append((find_value("id", "t", {"id": 3})(state), ids(db)))

    attempt(state, insert("t", {"id": 1}), insert_many("t", [{"id": 2}, {"id": 3}]), look_up)
    assert values == [(3, [])]
    assert ids(db) == [1, 2, 3]


def test_a_failed_run_is_rolled_back_and_the_next_starts_clean(state, db):
    with pytest.raises(RemoteRefused, match="23505"):
        attempt(state, insert("t", {"id": 1}), insert("t", {"id": 2}), insert("t", {"id": 1}))
    with pytest.raises(ZeroDivisionError):
        attempt(state, insert("t", {"id": 3}), FAIL)
    assert ids(db) == []
    attempt(state, insert("t", {"id": 4}))
    assert ids(db) == [4]


def test_outside_of_a_run_each_call_is_its_own_transaction(state, db):
    insert("t", {"id": 1})(state)
    with pytest.raises(RemoteRefused):
        upsert_many("t", "id", [{"id": 2, "name": "x"}, {"id": "x"}])(state)
    assert ids(db) == [1]


@pytest.mark.parametrize("commit_operation", [commit(), sql("commit")])
def test_an_explicit_commit_keeps_the_earlier_writes(state, db, commit_operation):
    pending = []
    with pytest.raises(ZeroDivisionError):
        attempt(
            state,
            insert("t", {"id": 1}),
            commit_operation,
            insert("t", {"id": 2}),
            FAIL,
            pending=pending,
        )
    assert pending == [True, False, True]
    assert ids(db) == [1]


def test_reads_keep_no_transaction_open_before_the_first_write(state, db):
    body = "insert into t values (9) returning id"
    db.execute(f"create function writes() returns int language sql as '{body}'")
    open_transactions = "select 1 from pg_stat_activity where state like 'idle in%'"
    open_counts, pending = [], []

    def count_open(_state):
        open_counts.append(len(db.execute(open_transactions).fetchall()))

    reads = [sql("select 1"), sql("with x as (select 1) select * from x"), count_open]
    find = find_value("id", "t", {"id": 1})
    attempt(state, *reads, find, sql("select writes()"), count_open, pending=pending)
    assert pending == [False, False, False, False, True, True]
    assert open_counts == [0, 1]
    assert ids(db) == [9]


@pytest.mark.parametrize(
    "statement",
    [
        "with x as (insert into t values (7) returning id) select * from x",
        "select set_config('app.who', 'Amina', true)",
        "select pg_advisory_xact_lock(7)",
        "select * from t for update",
        "set local app.who = 'Amina'",
    ],
)
def test_statements_that_affect_the_transaction_begin_it(state, db, statement):
    pending = []
    attempt(state, sql(statement), pending=pending)
    assert pending == [True]


def test_a_run_that_ignores_a_failed_write_still_fails(state, db):
    write = insert("t", {"id": 1})
    with pytest.raises(ConfigurationError, match="everything it wrote is rolled back"):
        attempt(state, write, ignoring_errors(write))
    with pytest.raises(ConfigurationError, match=r"25P02.*An earlier statement failed"):
        attempt(state, ignoring_errors(insert("t", {"id": "x"})), insert("t", {"id": 2}))
    assert ids(db) == []


def test_a_failed_read_does_not_affect_later_writes(state, db):
    pids = []

    def record_pid(state):
        pids.extend(sql("select pg_backend_pid() as pid")(state)["data"])

    attempt(
        state, record_pid, ignoring_errors(sql("select 1/0")), insert("t", {"id": 1}), record_pid
    )
    assert ids(db) == [1]
    assert pids[0] == pids[1]


def test_an_error_at_the_commit_fails_the_attempt(state, db):
    db.execute("create table u (t int references t deferrable initially deferred)")
    with pytest.raises(RemoteRefused, match="23503"):
        attempt(state, insert("u", {"t": 7}))
    attempt(state, insert("u", {"t": 7}), insert("t", {"id": 7}))
    assert db.execute("select t from u").fetchall() == [(7,)]


def test_a_statement_without_transaction_is_refused_inside_one(state, db):
    vacuum = sql("vacuum t", transaction=False)
    pending = []
    attempt(state, vacuum, insert("t", {"id": 1}), commit(), vacuum, pending=pending)
    assert pending == [False, True, False, False]
    with pytest.raises(ConfigurationError, match=r"Put commit\(\) before"):
        attempt(state, insert("t", {"id": 2}), vacuum)
    assert ids(db) == [1]


def test_transactions_of_two_credentials_end_together(state, db):
    other = state_for(state["configuration"]["host"], password="other")
    write = lambda _: insert("t", {"id": 2})(other)  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        attempt(state, insert("t", {"id": 1}), write, FAIL)
    assert ids(db) == []
    attempt(state, insert("t", {"id": 1}), write)
    assert ids(db) == [1, 2]


def test_a_deadlock_is_retryable_and_its_victim_is_rolled_back(state, db):
    insert_many("t", [{"id": 1}, {"id": 2}])(state)
    errors, barrier = [], threading.Barrier(2)

    def update_both(first, second):
        update = "update t set name = %s where id = %s"
        shorten_timeout = sql("set local deadlock_timeout = '20ms'")
        wait_for_other = lambda _: barrier.wait(10)  # noqa: E731
        try:
            attempt(
                state,
                shorten_timeout,
                sql(update, [first] * 2),
                wait_for_other,
                sql(update, [first, second]),
            )
        except RemoteUnavailable as error:
            errors.append(str(error))

    threads = [threading.Thread(target=update_both, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(errors) == 1
    assert "40P01" in errors[0]
    assert len({name for (name,) in db.execute("select name from t")}) == 1


def test_a_serialization_failure_is_retryable(state, db):
    insert("t", {"id": 1})(state)
    begin = sql("set transaction isolation level serializable; insert into t values (2)")
    update_elsewhere = lambda _: db.execute("update t set name = 'x'")  # noqa: E731
    with pytest.raises(RemoteUnavailable, match="40001"):
        attempt(state, begin, update_elsewhere, sql("update t set name = 'y' where id = 1"))
    assert ids(db) == [1]


def test_a_locked_row_is_retryable(state, db):
    insert("t", {"id": 1})(state)
    with db.transaction():
        db.execute("select * from t for update")
        with pytest.raises(RemoteUnavailable, match="55P03"):
            sql("select * from t for update nowait")(state)


def test_a_connection_lost_during_a_run_is_retryable_and_leaves_nothing(state, db):
    def lose_connection(state):
        (row,) = sql("select pg_backend_pid() as pid")(state)["data"]
        db.execute("select pg_terminate_backend(%s, 5000)", [row["pid"]])

    with pytest.raises(RemoteUnavailable, match="everything this run had written is rolled back"):
        attempt(
            state,
            insert("t", {"id": 1}),
            lose_connection,
            ignoring_errors(insert("t", {"id": 2})),
            insert("t", {"id": 3}),
        )
    with pytest.raises(RemoteUnavailable, match="everything this run had written is rolled back"):
        attempt(
            state, insert("t", {"id": 1}), lose_connection, ignoring_errors(insert("t", {"id": 2}))
        )
    assert ids(db) == []
    insert("t", {"id": 4})(state)
    assert ids(db) == [4]


def test_a_connection_lost_at_the_commit_fails_the_attempt(state, db):
    with postgres_proxy.running(state["configuration"]["host"]) as proxy:
        state = proxied_state(proxy.port, ssl=False)
        proxy.should_cut = lambda kind, content: kind == "Q" and content.startswith(b"COMMIT")
        with pytest.raises(RemoteUnavailable, match="The connection to PostgreSQL failed"):
            attempt(state, insert("t", {"id": 1}))
        proxy.should_cut = lambda *_: False
        attempt(state, insert("t", {"id": 2}))
    assert ids(db) == [2]


def test_a_run_that_times_out_is_rolled_back_and_its_statement_cancelled(state, db):
    slow = sql("update t set name = pg_sleep(30)::text", timeout=None)
    with pytest.raises(timeout.TimedOut), timeout.limit(0.3):
        attempt(state, insert("t", {"id": 1}), slow)
    sleeping = "select 1 from pg_stat_activity where wait_event = 'PgSleep'"
    wait_until(lambda: not db.execute(sleeping).fetchall(), 5)
    insert("t", {"id": 1})(state)
    assert ids(db) == [1]


def test_the_timeout_of_a_call_limits_its_statement(state, db):
    with pytest.raises(RemoteUnavailable, match=r"57014.*timeout="):
        sql("select pg_sleep(30)", timeout=0.05)(state)
    slow = sql("insert into t select 2 from pg_sleep(30)", timeout=0.05)
    with pytest.raises(RemoteUnavailable, match="57014"):
        attempt(state, insert("t", {"id": 1}), slow)
    query = "select current_setting('statement_timeout') as limit"
    assert sql(query, timeout=None)(state)["data"] == [{"limit": "0"}]
    assert sql(query)(state)["data"] == [{"limit": "1min"}]
    assert ids(db) == []
