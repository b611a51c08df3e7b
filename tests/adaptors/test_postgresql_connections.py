"""Connections to PostgreSQL: cached ones, statements, TLS, and failures to connect."""

from __future__ import annotations

import base64
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from adaptors._runtime import run_context
from adaptors.errors import AdaptorError, ConfigurationError, RemoteUnavailable
from adaptors.postgresql import commit, insert, insert_many, sql, upsert_many
from tests.support import postgres_impostor, postgres_proxy
from tests.support.postgresql import CLERK, PASSWORD
from tests.support.postgresql_database import empty_database, socket_folder, state_for

TABLE = "create table t (id int primary key, name text)"
PID = "select pg_backend_pid() as pid"


@pytest.fixture
def folder(postgresql_uri):
    return socket_folder(postgresql_uri)


@pytest.fixture
def db(postgresql_uri):
    """An empty database, through a connection that is not the job's."""
    with empty_database(postgresql_uri, TABLE) as connection:
        yield connection


@pytest.fixture
def proxy(folder):
    with postgres_proxy.running(folder) as running:
        yield running


@pytest.fixture
def state(proxy):
    """The state of a job whose credential is new, so that no connection is cached."""
    return local_state(port=proxy.port, ssl=False)


def local_state(**options):
    return state_for(**{"host": "127.0.0.1", "user": CLERK, **options})


def pid(state, **options):
    return sql(PID, **options)(state)["data"][0]["pid"]


def ids(db):
    return [id_ for (id_,) in db.execute("select id from t order by id")]


def terminate(db, backend_pid):
    """Terminate a connection on the server, and wait for it."""
    db.execute("select pg_terminate_backend(%s, 5000)", [backend_pid])


# --- cached connections ---------------------------------------------------------------------------


def test_consecutive_runs_share_a_connection_but_no_settings_or_locks(state, db, proxy):
    with run_context.attempt():
        first = pid(state)
        sql("set search_path = nowhere; create temp table mine (a int)")(state)
        sql("select pg_advisory_lock(7), set_config('app.who', 'Amina', false)")(state)
    with run_context.attempt():
        assert pid(state) == first
        assert sql("show search_path")(state)["data"] == [{"search_path": '"$user", public'}]
        query = "select to_regclass('mine') as mine, current_setting('app.who', true) as who"
        assert sql(query)(state)["data"][0] in [{"mine": None, "who": who} for who in ("", None)]
    assert db.execute("select pg_try_advisory_lock(7)").fetchone() == (True,)
    db.execute("select pg_advisory_unlock_all()")
    assert proxy.connections == 1


def test_each_credential_and_each_thread_has_its_own_connection(state, proxy):
    pids = [pid(state), pid(local_state(port=proxy.port, ssl=False, ca="other"))]
    thread = threading.Thread(target=lambda: pids.append(pid(state)))
    thread.start()
    thread.join()
    assert len(set(pids)) == 3


def test_a_connection_is_closed_when_its_thread_ends(state, db):
    pids = []
    thread = threading.Thread(target=lambda: pids.append(pid(state)))
    thread.start()
    thread.join()
    terminate_again = "select pg_terminate_backend(%s, 5000) from pg_stat_activity where pid = %s"
    assert db.execute(terminate_again, pids * 2).fetchall() in ([], [(True,)])
    assert db.execute("select 1 from pg_stat_activity where pid = %s", pids).fetchall() == []


@pytest.mark.parametrize("operate", [sql(PID), insert("t", {"id": 1}, returning="id")])
def test_a_connection_closed_by_the_server_is_replaced(state, db, proxy, operate):
    terminate(db, pid(state))
    with run_context.attempt():
        assert operate(state)["data"]
    assert proxy.connections == 2
    assert pid(state)
    assert proxy.connections == 2


def test_the_application_name_is_the_run_id(state, db):
    query = "select current_setting('application_name') as name"
    with run_context.run_context("0195-7#it's-a-job", datetime.now(UTC)), run_context.attempt():
        assert sql(query)(state)["data"] == [{"name": "openfn 0195-7#its-a-job"}]
        insert("t", {"id": 1})(state)
        assert sql(query)(state)["data"] == [{"name": "openfn 0195-7#its-a-job"}]
    assert sql(query)(state)["data"] == [{"name": "openfn "}]


def test_the_server_notices_within_a_second_that_a_statement_has_no_client(state, db):
    query = "select current_setting('client_connection_check_interval') as every"
    assert sql(query)(state)["data"] == [{"every": "1s"}]
    assert sql(query, transaction=False)(state)["data"] == [{"every": "1s"}]
    with run_context.attempt():
        insert("t", {"id": 1})(state)
        assert sql(query)(state)["data"] == [{"every": "1s"}]
        # A query before it would make the isolation level unchangeable.
        commit()(state)
        sql("set transaction isolation level serializable")(state)


@pytest.mark.parametrize("options", [{}, {"transaction": False}], ids=["transaction", "none"])
def test_a_server_that_cannot_check_its_client_is_not_requested_again(state, db, proxy, options):
    # A server on Windows refuses every value but 0, as all servers refuse a negative one.
    proxy.rewrite = lambda message: message.replace(
        b"_check_interval = '1s'", b"_check_interval = '-1'"
    )
    first = pid(state, **options)
    proxy.messages.clear()
    assert pid(state, **options) == first
    insert("t", {"id": 1})(state)
    assert ids(db) == [1]
    assert "client_connection_check_interval" not in " ".join(proxy.statements)


# --- statements that are sent ---------------------------------------------------------------------


def test_ten_thousand_rows_are_sent_in_ten_statements(state, db, proxy):
    records = [{"id": n, "name": f"n{n}"} for n in range(10_000)]
    records[5] = {"name": "five", "id": 5}
    with run_context.attempt():
        insert_many("t", records)(state)
        assert upsert_many("t", "id", records)(state)["result"]["rows"] == 10_000
    begin, *statements = proxy.statements
    assert begin.startswith("BEGIN; SET LOCAL statement_timeout = 60000")
    assert statements[-2:] == ["COMMIT", "DISCARD ALL"]
    assert len(statements) == 23  # ten for each operation, a lookup of the columns, and the end
    assert db.execute("select count(*), max(name) from t").fetchone() == (10_000, "n9999")


def test_records_with_many_columns_stay_within_the_parameter_limit(state, db, proxy):
    columns = [f"c{n}" for n in range(200)]
    db.execute(f"create table wide ({', '.join(f'{column} int' for column in columns)})")
    insert_many("wide", [dict.fromkeys(columns, n) for n in range(400)])(state)
    assert db.execute("select count(*), sum(c199) from wide").fetchone() == (400, 79800)
    assert len(proxy.statements) == 5


def test_each_statement_is_logged_once_without_its_values(state, db, capsys):
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


# --- failures to connect --------------------------------------------------------------------------


def test_an_unreachable_server_is_retryable_and_the_password_stays_secret(closed_url, capsys):
    port = int(closed_url.rsplit(":", 1)[1])
    with pytest.raises(
        RemoteUnavailable, match="Cannot connect to the database postgres"
    ) as caught:
        insert("t", {"id": 1})(local_state(port=port))
    assert_no_password(str(caught.value) + capsys.readouterr().out)


def assert_no_password(text):
    assert PASSWORD not in text
    assert base64.b64encode(f"{CLERK}:{PASSWORD}".encode()).decode() not in text


@pytest.fixture
def users(db):
    """Users who need a password; one may open no connection."""
    path = Path(db.execute("show hba_file").fetchone()[0])
    previous = path.read_text("utf-8")
    path.write_text(
        f"local all amina,kofi scram-sha-256\nlocal all nobody reject\n{previous}", "utf-8"
    )
    db.execute("drop role if exists amina, kofi, nobody")
    db.execute(f"create role amina login password '{PASSWORD}'")
    db.execute(f"create role kofi login password '{PASSWORD}' connection limit 0")
    db.execute("select pg_reload_conf()")
    yield
    path.write_text(previous, "utf-8")
    db.execute("select pg_reload_conf()")
    db.execute("drop role amina, kofi")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": "amina", "password": "c29ycnkh-wrong"}, "password authentication failed"),
        ({"user": "amina", "password": None}, "no password supplied"),
        ({"user": "amina", "database": "nix"}, 'database "nix" does not exist'),
        ({"user": "nobody"}, "pg_hba.conf"),
    ],
)
def test_a_rejected_credential_is_an_author_error(users, folder, options, message):
    state = local_state(host=folder, **options)
    with pytest.raises(ConfigurationError, match=message) as caught:
        sql("select 1")(state)
    assert_no_password(str(caught.value))
    assert "c29ycnkh" not in str(caught.value)


def test_the_password_is_sent_and_too_many_connections_are_retryable(users, folder):
    with run_context.attempt():
        assert sql("select 1 as n")(local_state(host=folder, user="amina"))["data"] == [{"n": 1}]
    with pytest.raises(RemoteUnavailable, match="too many connections"):
        sql("select 1")(local_state(host=folder, user="kofi"))


def test_host_of_a_placeholder_is_an_author_error_at_once():
    with pytest.raises(ConfigurationError, match="INVALID is a placeholder"):
        sql("select 1")(local_state(host="no-server.INVALID"))


def test_a_url_as_host_is_an_author_error(state):
    with pytest.raises(ConfigurationError, match="host: write the host name only"):
        sql("select 1")(local_state(host="https://db.example.org"))


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def encrypted(folder, authority):
    """A proxy with TLS and a certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with postgres_proxy.running(folder, context) as proxy:
        yield proxy


def pem(authority):
    return authority.cert_pem.bytes().decode()


@pytest.mark.parametrize(
    "options_for",
    [
        lambda ca: {"ssl": True, "ca": ca},
        lambda ca: {"ssl": True, "ca": ca.replace("\n", "\\n")},
        lambda ca: {"ssl": {"ca": ca}},
        lambda ca: {"ca": ca},
        lambda _: {"ssl": True, "allowSelfSignedCert": True},
        lambda _: {"ssl": True, "allowSelfSignedCert": True, "host": "localhost"},
        lambda _: {"ssl": {"rejectUnauthorized": False}},
    ],
)
def test_connections_are_encrypted_according_to_the_credential(encrypted, authority, options_for):
    assert pid(local_state(port=encrypted.port, **options_for(pem(authority))))
    assert (encrypted.encrypted, encrypted.connections) == (1, 1)


@pytest.mark.parametrize(
    ("options_for", "message"),
    [
        (lambda _: {}, "certificate verify failed.* Put the CA certificate"),
        (lambda _: {"allowSelfSignedCert": False}, "certificate verify failed"),
        (lambda _: {"ssl": True}, "certificate verify failed.* Put the CA certificate"),
        (lambda _: {"ssl": True, "ca": pem(trustme.CA())}, "certificate verify failed"),
        (
            lambda ca: {"ssl": True, "ca": ca, "host": "localhost"},
            "does not match host name.* Write a host",
        ),
        (lambda _: {"ssl": True, "ca": "not a certificate"}, "root certificate"),
    ],
)
def test_an_unverified_server_receives_nothing(encrypted, authority, options_for, message):
    state = local_state(port=encrypted.port, **options_for(pem(authority)))
    with pytest.raises(ConfigurationError, match=message) as caught:
        sql("select 1")(state)
    assert encrypted.connections == 0
    assert_no_password(str(caught.value))


def test_the_authorities_of_the_system_are_trusted(encrypted, authority, tmp_path, monkeypatch):
    file = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert pid(local_state(port=encrypted.port))
    assert encrypted.encrypted == 1


UNVERIFIED = [
    {"ssl": False},
    {"allowSelfSignedCert": True},
    {"ssl": True, "allowSelfSignedCert": True},
    {"ssl": {"rejectUnauthorized": False}},
]
VERIFIED = [{}, {"ssl": True}, {"allowSelfSignedCert": False}, {"ssl": {}}]


def try_impostor(login, authority, options):
    """Send a statement to an impostor, and return it with the error."""
    with postgres_impostor.running(authority, login) as impostor:
        state = local_state(port=impostor.port, **options)
        with pytest.raises(ConfigurationError) as caught:
            sql("select 'Amina'")(state)
    assert_no_password(str(caught.value))
    return impostor, str(caught.value)


@pytest.mark.parametrize("login", ["CLEARTEXT", "MD5"])
@pytest.mark.parametrize("options", UNVERIFIED)
def test_an_impostor_receives_no_password_that_it_can_read(authority, options, login):
    impostor, error = try_impostor(getattr(postgres_impostor, login), authority, options)
    assert impostor.received == b""
    assert "only as SCRAM-SHA-256" in error


@pytest.mark.parametrize("options", UNVERIFIED)
def test_an_impostor_that_asks_for_no_login_receives_no_data(authority, options):
    impostor, error = try_impostor(postgres_impostor.NO_LOGIN, authority, options)
    assert impostor.received == b""
    assert "did not complete authentication" in error


@pytest.mark.parametrize("options", VERIFIED)
def test_an_impostor_is_not_even_sent_the_user_name(authority, options):
    impostor, error = try_impostor(postgres_impostor.CLEARTEXT, authority, options)
    assert (impostor.logins, impostor.received) == (0, b"")
    assert "certificate verify failed" in error


@pytest.mark.parametrize("options", VERIFIED)
def test_an_impostor_cannot_switch_encryption_off(options):
    impostor, error = try_impostor(postgres_impostor.CLEARTEXT, None, options)
    assert (impostor.logins, impostor.received) == (0, b"")
    assert "does not support SSL" in error


def test_encryption_can_be_switched_off_in_the_credential(encrypted):
    assert pid(local_state(port=encrypted.port, ssl=False))
    assert (encrypted.encrypted, encrypted.connections) == (0, 1)


@pytest.mark.parametrize("options", [{}, {"ssl": True}, {"ssl": True, "allowSelfSignedCert": True}])
def test_connections_are_unencrypted_only_if_the_credential_allows_it(proxy, options):
    with pytest.raises(ConfigurationError, match='set "ssl": false in the credential'):
        sql("select 1")(local_state(port=proxy.port, **options))
    assert proxy.connections == 0


def test_a_client_certificate_is_sent_and_its_key_file_is_deleted(
    folder, authority, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    client_cert = authority.issue_cert("amina@example.org")
    key = client_cert.private_key_pem.bytes().decode()
    cert = client_cert.cert_chain_pems[0].bytes().decode()
    with postgres_proxy.running(folder, context) as proxy:
        with pytest.raises(AdaptorError):
            sql("select 1")(local_state(port=proxy.port, ssl=True, ca=pem(authority)))
        assert proxy.connections == 0
        state = local_state(port=proxy.port, ssl=True, ca=pem(authority), cert=cert, key=key)
        with run_context.attempt():
            assert pid(state)
        assert proxy.connections == 1
        assert list(tmp_path.iterdir()) == []
