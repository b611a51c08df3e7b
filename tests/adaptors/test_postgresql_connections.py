"""How PostgreSQL is reached: warm connections, what goes over them, TLS, and no connection."""

from __future__ import annotations

import base64
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import trustme

from adaptors._runtime import run_context
from adaptors.errors import AdaptorError, ConfigurationError, RemoteUnavailable
from adaptors.postgresql import insert, insert_many, sql, upsert_many
from tests.adaptors.wire import wired

SECRET = "c29ycnkh-hunter2"
PID = "select pg_backend_pid() as pid"


@pytest.fixture
def folder(postgresql_uri):
    return postgresql_uri.split("host=")[1]


@pytest.fixture
def db(postgresql_uri):
    """An empty database, seen by somebody else than the job."""
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        connection.execute("create table t (id int primary key, name text)")
        yield connection


@pytest.fixture
def wire(folder):
    with wired(folder) as found:
        yield found


@pytest.fixture
def state(wire):
    """The state of a job whose credential is new, so that no connection is warm."""
    return credential(port=wire.port, ssl=False)


def credential(**more):
    base = {"host": "127.0.0.1", "database": "postgres", "user": "postgres", "password": SECRET}
    return {"configuration": base | more, "data": None, "references": []}


def pid(state, **options):
    return sql(PID, **options)(state)["data"][0]["pid"]


def ids(db):
    return [id_ for (id_,) in db.execute("select id from t order by id")]


def ends(db, number):
    """Have the server end a connection, and wait until it has."""
    db.execute("select pg_terminate_backend(%s, 5000)", [number])


# --- warm connections ---------------------------------------------------------------------------


def test_runs_one_after_the_other_have_one_connection_and_leave_nothing_on_it(state, db, wire):
    with run_context.attempt():
        first = pid(state)
        sql("set search_path = nowhere; create temp table mine (a int)")(state)
        sql("select pg_advisory_lock(7), set_config('app.who', 'Amina', false)")(state)
    with run_context.attempt():
        assert pid(state) == first
        assert sql("show search_path")(state)["data"] == [{"search_path": '"$user", public'}]
        asked = "select to_regclass('mine') as mine, current_setting('app.who', true) as who"
        assert sql(asked)(state)["data"][0] in [{"mine": None, "who": w} for w in ("", None)]
    assert db.execute("select pg_try_advisory_lock(7)").fetchone() == (True,)
    db.execute("select pg_advisory_unlock_all()")
    assert wire.connections == 1


def test_another_credential_and_another_thread_have_connections_of_their_own(state, wire):
    found = [pid(state), pid(credential(port=wire.port, ssl=False, password="other"))]
    thread = threading.Thread(target=lambda: found.append(pid(state)))
    thread.start()
    thread.join()
    assert len(set(found)) == 3


def test_the_connection_of_a_thread_that_ends_is_closed(state, db):
    found = []
    thread = threading.Thread(target=lambda: found.append(pid(state)))
    thread.start()
    thread.join()
    gone = "select pg_terminate_backend(%s, 5000) from pg_stat_activity where pid = %s"
    assert db.execute(gone, found * 2).fetchall() in ([], [(True,)])
    assert db.execute("select 1 from pg_stat_activity where pid = %s", found).fetchall() == []


@pytest.mark.parametrize("operate", [sql(PID), insert("t", {"id": 1}, returning="id")])
def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(state, db, wire, operate):
    ends(db, pid(state))
    with run_context.attempt():
        assert operate(state)["data"]
    assert wire.connections == 2
    assert pid(state)
    assert wire.connections == 2


def test_a_run_is_known_to_the_database_by_its_id(state, db):
    asked = "select current_setting('application_name') as name"
    with run_context.run_context("0195-7#it's-a-job", datetime.now(UTC)), run_context.attempt():
        assert sql(asked)(state)["data"] == [{"name": "openfn 0195-7#its-a-job"}]
        insert("t", {"id": 1})(state)
        assert sql(asked)(state)["data"] == [{"name": "openfn 0195-7#its-a-job"}]
    assert sql(asked)(state)["data"] == [{"name": "openfn "}]


# --- statements on the wire ---------------------------------------------------------------------


def test_ten_thousand_rows_are_ten_statements(state, db, wire):
    records = [{"id": n, "name": f"n{n}"} for n in range(10_000)]
    records[5] = {"name": "five", "id": 5}
    with run_context.attempt():
        insert_many("t", records)(state)
        assert upsert_many("t", "id", records)(state)["result"]["rows"] == 10_000
    begin, *made = wire.statements
    assert begin.startswith("BEGIN; SET LOCAL statement_timeout = 60000")
    assert made[-2:] == ["COMMIT", "DISCARD ALL"]
    assert len(made) == 22
    assert db.execute("select count(*), max(name) from t").fetchone() == (10_000, "n9999")


def test_records_of_many_columns_stay_within_what_a_statement_can_hold(state, db, wire):
    columns = [f"c{n}" for n in range(200)]
    db.execute(f"create table wide ({', '.join(f'{each} int' for each in columns)})")
    insert_many("wide", [dict.fromkeys(columns, n) for n in range(400)])(state)
    assert db.execute("select count(*), sum(c199) from wide").fetchone() == (400, 79800)
    assert len(wire.statements) == 5


def test_each_statement_is_logged_once_and_its_values_never(state, db, capsys):
    with run_context.attempt():
        for n in range(3):
            insert("t", {"id": n, "name": "Amina"})(state)
        sql("update t set name = %s", ["Kofi"])(state)
        sql(f"select '{'x' * 2000}' as long")(state)
    assert capsys.readouterr().out.splitlines() == [
        'INSERT INTO "t" ("id", "name") VALUES ($1, $2)',
        "update t set name = %s",
        f"select '{'x' * 992}",
    ]


# --- a connection that does not come about ------------------------------------------------------


def test_a_server_that_is_not_there_is_for_now_and_the_password_is_told_nowhere(closed_url, capsys):
    port = int(closed_url.rsplit(":", 1)[1])
    with pytest.raises(RemoteUnavailable, match="no connection to the database postgres") as caught:
        insert("t", {"id": 1})(credential(port=port))
    assert_told_nowhere(str(caught.value) + capsys.readouterr().out)


def assert_told_nowhere(text):
    assert SECRET not in text
    assert base64.b64encode(f"postgres:{SECRET}".encode()).decode() not in text


@pytest.fixture
def guarded(db):
    """Users who need a password; one may have no connection at all."""
    path = Path(db.execute("show hba_file").fetchone()[0])
    had = path.read_text("utf-8")
    path.write_text(f"local all amina,kofi scram-sha-256\nlocal all nobody reject\n{had}", "utf-8")
    db.execute("drop role if exists amina, kofi, nobody")
    db.execute(f"create role amina login password '{SECRET}'")
    db.execute(f"create role kofi login password '{SECRET}' connection limit 0")
    db.execute("select pg_reload_conf()")
    yield
    path.write_text(had, "utf-8")
    db.execute("select pg_reload_conf()")
    db.execute("drop role amina, kofi")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"user": "amina", "password": "c29ycnkh-wrong"}, "password authentication failed"),
        ({"user": "amina", "password": None}, "no password supplied"),
        ({"user": "amina", "database": "nix"}, 'database "nix" does not exist'),
        ({"user": "nobody"}, "pg_hba.conf"),
    ],
)
def test_a_credential_that_does_not_fit_is_the_author_s(guarded, folder, more, told):
    state = credential(host=folder, **more)
    with pytest.raises(ConfigurationError, match=told) as caught:
        sql("select 1")(state)
    assert_told_nowhere(str(caught.value))
    assert "c29ycnkh" not in str(caught.value)


def test_a_password_is_given_and_too_many_connections_are_for_now(guarded, folder):
    with run_context.attempt():
        assert sql("select 1 as n")(credential(host=folder, user="amina"))["data"] == [{"n": 1}]
    with pytest.raises(RemoteUnavailable, match="too many connections"):
        sql("select 1")(credential(host=folder, user="kofi"))


def test_a_host_is_a_name(state):
    with pytest.raises(ConfigurationError, match="host: a name alone"):
        sql("select 1")(credential(host="https://db.example.org"))


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def encrypted(folder, authority):
    """A port where TLS is spoken, with a certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with wired(folder, context) as wire:
        yield wire


def pem(authority):
    return authority.cert_pem.bytes().decode()


@pytest.mark.parametrize(
    "more",
    [
        lambda ca: {"ssl": True, "ca": ca},
        lambda ca: {"ssl": True, "ca": ca.replace("\n", "\\n")},
        lambda ca: {"ssl": {"ca": ca}},
        lambda ca: {"ca": ca},
        lambda _: {"ssl": True, "allowSelfSignedCert": True},
        lambda _: {"ssl": {"rejectUnauthorized": False}},
        lambda _: {},
    ],
)
def test_connections_are_encrypted_as_the_credential_says(encrypted, authority, more):
    assert pid(credential(port=encrypted.port, **more(pem(authority))))
    assert (encrypted.encrypted, encrypted.connections) == (1, 1)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (lambda _: {"ssl": True}, "certificate verify failed; put the certificate of who signs"),
        (lambda _: {"ssl": True, "ca": pem(trustme.CA())}, "certificate verify failed"),
        (lambda ca: {"ssl": True, "ca": ca, "host": "localhost"}, "does not match host name"),
        (lambda _: {"ssl": True, "ca": "not a certificate"}, "root certificate"),
    ],
)
def test_a_server_that_does_not_prove_who_it_is_is_told_nothing(encrypted, authority, more, told):
    state = credential(port=encrypted.port, **more(pem(authority)))
    with pytest.raises(ConfigurationError, match=told) as caught:
        sql("select 1")(state)
    assert encrypted.connections == 0
    assert_told_nowhere(str(caught.value))


def test_a_credential_that_says_no_gets_no_encryption(encrypted):
    assert pid(credential(port=encrypted.port, ssl=False))
    assert (encrypted.encrypted, encrypted.connections) == (0, 1)


@pytest.mark.parametrize("more", [{}, {"ssl": True}, {"ssl": True, "allowSelfSignedCert": True}])
def test_nothing_goes_out_in_clear_unless_the_credential_says_so(wire, more):
    with pytest.raises(ConfigurationError, match='write "ssl": false into the credential'):
        sql("select 1")(credential(port=wire.port, **more))
    assert wire.connections == 0


def test_a_client_s_certificate_is_shown_and_its_key_left_nowhere(
    folder, authority, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("amina@example.org")
    key = own.private_key_pem.bytes().decode()
    cert = own.cert_chain_pems[0].bytes().decode()
    with wired(folder, context) as wire:
        with pytest.raises(AdaptorError):
            sql("select 1")(credential(port=wire.port, ssl=True, ca=pem(authority)))
        assert wire.connections == 0
        state = credential(port=wire.port, ssl=True, ca=pem(authority), cert=cert, key=key)
        with run_context.attempt():
            assert pid(state)
        assert wire.connections == 1
        assert list(tmp_path.iterdir()) == []
