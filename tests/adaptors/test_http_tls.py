"""Certificates: private authorities, and servers that require client certificates."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from flask import Flask, request

from adaptors._http import tls
from adaptors._http.tls import Tls
from adaptors._runtime.dry_run import dry_run
from adaptors.errors import AdaptorError, ConfigurationError, RemoteUnavailable
from adaptors.http import get, post
from tests.support.errors import error_of
from tests.support.wsgi_server import redirect, serve

PASSPHRASE = "0pen-s3same"
AUTHORITY, CLIENTS = trustme.CA(), trustme.CA()
NURSE, DOCTOR = (CLIENTS.issue_cert(f"{name}@example.org") for name in ("nurse", "doctor"))
CA = AUTHORITY.cert_pem.bytes().decode()


def pem(issued):
    chain = "".join(pem.bytes().decode() for pem in issued.cert_chain_pems)
    return {"cert": chain, "key": issued.private_key_pem.bytes().decode(), "ca": CA}


def encrypted(issued):
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    )
    return pem(issued) | {"key": text.decode()}


def app():
    app = Flask(__name__)

    @app.route("/things", methods=["GET", "POST"])
    def show_client():
        shown = request.environ["werkzeug.socket"].getpeercert() or {}
        names = [name for _, name in shown.get("subjectAltName", [])]
        return {"client": names, "body": request.get_data().decode()}

    return app


def context(issued, *, clients=ssl.CERT_NONE):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued.configure_cert(context)
    CLIENTS.configure_trust(context)
    context.verify_mode = clients
    return context


def serving(*names, clients=ssl.CERT_NONE, **options):
    issued = AUTHORITY.issue_cert(*(names or ("127.0.0.1",)), **options)
    return serve(app(), context(issued, clients=clients))


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def strict():
    """A server that requires client certificates."""
    with serving(clients=ssl.CERT_REQUIRED) as server:
        yield server


def state_for(url, certificates=None, **more):
    tls = {"tls": certificates} if certificates else {}
    return {"configuration": {"baseUrl": url, **tls, **more}, "data": None}


def test_authority_of_the_credential_is_trusted(server):
    after = post("things", {"name": "Amina"})(state_for(server.url, {"ca": CA}))
    assert after["data"] == {"client": [], "body": '{"name": "Amina"}'}


def test_unknown_authority_is_an_author_error_and_nothing_is_sent(server):
    before = len(server.received)
    error = error_of(post("things", {}), state_for(server.url, access_token="t0ken"))
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"POST {server.url}/things: the destination's certificate is not")
    assert "unable to get local issuer certificate" in str(error)
    assert "tls.ca" in str(error)
    assert len(server.received) == before


def test_authority_of_the_credential_replaces_the_public_ones(server):
    other = trustme.CA().cert_pem.bytes().decode()
    assert isinstance(error_of(get("things"), state_for(server.url, {"ca": other})), AdaptorError)
    assert len(tls.ssl_context(Tls(ca=CA)).get_ca_certs()) == 1
    assert len(tls.ssl_context().get_ca_certs()) > 50


def test_certificate_of_another_host_is_refused():
    with serving("other.example.org") as server:
        error = error_of(get("things"), state_for(server.url, {"ca": CA}))
    assert isinstance(error, ConfigurationError)
    assert "IP address mismatch" in str(error)


def test_expired_certificate_is_retryable():
    now = datetime.now(UTC)
    expired = {"not_before": now - timedelta(days=9), "not_after": now - timedelta(days=1)}
    with serving(**expired) as server:
        error = error_of(get("things"), state_for(server.url, {"ca": CA}))
    assert isinstance(error, RemoteUnavailable)
    assert "certificate has expired" in str(error)


def test_server_without_tls_is_retryable(destination):
    address = destination.url.replace("http:", "https:")
    error = error_of(get("things"), state_for(address, {"ca": CA}))
    assert isinstance(error, RemoteUnavailable)


@pytest.mark.parametrize(
    "certificates", [pem(NURSE), encrypted(NURSE) | {"passphrase": PASSPHRASE}]
)
def test_client_sends_its_certificate(strict, certificates):
    after = post("things", {"name": "Amina"})(state_for(strict.url, certificates))
    assert after["data"] == {"client": ["nurse@example.org"], "body": '{"name": "Amina"}'}


def test_missing_client_certificate_is_an_author_error(strict):
    error = error_of(get("things"), state_for(strict.url, {"ca": CA}))
    assert isinstance(error, ConfigurationError)
    assert "the destination rejects the client certificate" in str(error)


def test_client_certificate_of_another_authority_is_an_author_error(strict):
    stranger = trustme.CA().issue_cert("nurse@example.org")
    error = error_of(get("things"), state_for(strict.url, pem(stranger)))
    assert isinstance(error, ConfigurationError)
    assert "the destination rejects the client certificate" in str(error)


def test_two_credentials_for_one_server_send_their_own_certificates(strict):
    for issued, name in [(NURSE, "nurse"), (DOCTOR, "doctor"), (NURSE, "nurse")]:
        after = get("things")(state_for(strict.url, pem(issued)))
        assert after["data"]["client"] == [f"{name}@example.org"]
    error = error_of(get("things"), state_for(strict.url, {"ca": CA}))
    assert isinstance(error, ConfigurationError)


def test_other_origin_receives_no_certificate_and_is_verified(strict, server):
    strict.failures.append(redirect(f"{server.url}/things"))
    for call in (get(f"{server.url}/things"), get("things")):
        error = error_of(call, state_for(strict.url, pem(NURSE)))
        assert f"{server.url}/things" in str(error) or "unable to get local issuer" in str(error)
        assert isinstance(error, ConfigurationError)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"cert": "MIIB"}, "tls.cert: It must be the text of a PEM file"),
        ({"key": "c:/keys/nurse.pem"}, "tls.key: It must be the text of a PEM file"),
        ({"ca": "/etc/ca.pem"}, "tls.ca: It must be the text of a PEM file"),
        ({"key": None}, "tls: A client certificate needs both cert and key"),
        ({"cert": None}, "tls: A client certificate needs both cert and key"),
        ({"cert": 7}, "tls.cert: Input should be a valid string"),
        ({"key": pem(DOCTOR)["key"]}, "tls.cert and tls.key cannot be used"),
        ({"key": "-----BEGIN nonsense"}, "tls.cert and tls.key cannot be used"),
        ({"key": encrypted(NURSE)["key"]}, "tls.passphrase must open it"),
        ({"key": encrypted(NURSE)["key"], "passphrase": "wr0ng-one"}, "tls.passphrase must"),
        ({"ca": "-----BEGIN CERTIFICATE-----\nMIIB"}, "tls.ca is not a certificate in PEM"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("dry", [False, True], ids=["sent", "dry run"])
def test_unusable_certificate_is_named_and_not_shown(strict, changes, text, dry):
    before = len(strict.received)
    with dry_run() if dry else tempfile.TemporaryDirectory():
        error = error_of(post("things", {}), state_for(strict.url, pem(NURSE) | changes))
    assert isinstance(error, ConfigurationError)
    assert text in str(error)
    assert len(strict.received) == before
    for secret in (pem(NURSE)["key"], pem(DOCTOR)["key"], "wr0ng-one", "nurse.pem"):
        assert secret not in str(error)


def test_certificates_require_https(destination):
    error = error_of(get("things"), state_for(destination.url, {"ca": CA}))
    assert "tls needs a baseUrl that begins with https://" in str(error)


WATCHED = """
import json, os, stat, sys, tempfile
from pathlib import Path
from adaptors._http.tls import Tls, ssl_context

modes = []

def watch(event, arguments):
    name = str(arguments[0]) if event == "open" else ""
    if name.endswith("client.pem") and os.path.exists(name):
        path = Path(name)
        modes.append([oct(path.parent.stat().st_mode), oct(path.stat().st_mode)])

os.umask(0)
sys.addaudithook(watch)
tempfile.tempdir = sys.argv[1]
ssl_context(Tls(**json.load(sys.stdin)))
print(json.dumps([modes, os.listdir(sys.argv[1])]))
"""


def test_key_file_is_private_and_deleted(tmp_path):
    text = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path)],
        input=json.dumps(pem(NURSE)),
        capture_output=True,
        text=True,
        check=True,
    )
    modes, remaining = json.loads(text.stdout)
    assert modes
    assert {tuple(mode) for mode in modes} == {("0o40700", "0o100600")}
    assert remaining == []


def test_private_key_appears_nowhere(strict):
    certificates = encrypted(NURSE) | {"passphrase": PASSPHRASE}
    after = post("things", {})(state_for(strict.url, certificates))
    with dry_run() as requests:
        post("things", {})(state_for(strict.url, certificates))
    text = repr(requests) + json.dumps({k: v for k, v in after.items() if k != "configuration"})
    assert PASSPHRASE not in text
    assert "BEGIN" not in text
