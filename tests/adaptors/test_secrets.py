"""No secret of any adaptor's credential is in a dry run, a state, a log or an error of a run."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest

import adaptors
from openfn.jobs.secret_masking import Masker
from workbench.project.compiler import secret_fields_of
from workbench.project.schema.project import CredentialSpec, ProjectSpec
from workbench.testing.local_run import run_locally

USER, SECRET, OTHER = "nurse@example.org", "s3cr3t-Zm9v/8", "0th3r-QmFyYmF6+"
AT = "https://destination.example.org"
JOBS = {
    "commcare": "from adaptors.commcare import get\nget('form')\n",
    "dhis2": "from adaptors.dhis2 import create\ncreate('organisationUnits', {'a': 1})\n",
    "http": "from adaptors.http import post\npost('records', {'a': 1})\n",
    "kobotoolbox": "from adaptors.kobotoolbox import get_forms\nget_forms()\n",
    "odk": "from adaptors.odk import get_forms\nget_forms(1)\n",
    "postgresql": "from adaptors.postgresql import insert\ninsert('t', {'a': 1})\n",
    "salesforce": "from adaptors.salesforce import create\ncreate('Contact', {'LastName': 'A'})\n",
}
USER_AND_PASSWORD = {"username": USER, "password": SECRET}
CREDENTIALS = [
    ("commcare", {"hostUrl": AT, "domain": "d", "appId": "a", **USER_AND_PASSWORD}),
    ("commcare", {"hostUrl": AT, "domain": "d", "appId": "a", "username": USER, "apiKey": SECRET}),
    ("dhis2", {"hostUrl": AT, **USER_AND_PASSWORD}),
    ("dhis2", {"hostUrl": AT, "pat": SECRET}),
    ("http", {"baseUrl": AT, **USER_AND_PASSWORD}),
    ("http", {"baseUrl": AT, **USER_AND_PASSWORD, "authType": "digest"}),
    ("http", {"baseUrl": AT, "access_token": SECRET}),
    ("kobotoolbox", {"baseUrl": AT, **USER_AND_PASSWORD}),
    ("kobotoolbox", {"baseUrl": AT, "token": SECRET}),
    ("odk", {"baseUrl": AT, "email": USER, "password": SECRET}),
    ("odk", {"baseUrl": AT, "access_token": SECRET}),
    ("postgresql", {"host": "db", "database": "d", "user": USER, "password": SECRET}),
    ("salesforce", {"loginUrl": AT, **USER_AND_PASSWORD, "securityToken": OTHER}),
    ("salesforce", {"loginUrl": AT, "client_id": "c", "client_secret": SECRET}),
    ("salesforce", {"instance_url": AT, "access_token": SECRET}),
]


def forms():
    pairs = [f"{user}:{secret}" for user in (USER, "") for secret in (SECRET, OTHER)]
    return [SECRET, OTHER, *(base64.b64encode(pair.encode()).decode() for pair in pairs)]


def secrets_in(text):
    return [form for form in forms() if form in text]


def test_every_adaptor_has_a_case():
    assert set(JOBS) == set(adaptors.names()) == {name for name, _ in CREDENTIALS}


@pytest.mark.parametrize(
    ("name", "credential"), CREDENTIALS, ids=[f"{n}-{'-'.join(c)}" for n, c in CREDENTIALS]
)
def test_dry_run_shows_requests_and_no_secret(tmp_path, name, credential):
    path = tmp_path / "job.py"
    path.write_text(JOBS[name], "utf-8")
    done = run_locally(path, {"data": {}}, credential, dry=True)
    assert done.error is None
    assert done.requests
    assert secrets_in(json.dumps(done.as_dict(), default=str)) == []


@pytest.mark.parametrize(
    ("name", "credential"), CREDENTIALS, ids=[f"{n}-{'-'.join(c)}" for n, c in CREDENTIALS]
)
def test_log_and_error_of_a_job_are_masked(name, credential):
    secrets = [secret for secret in (SECRET, OTHER) if secret in credential.values()]
    printed = " ".join([str(credential), *forms()])
    assert len(secrets_in(printed)) == len(forms())
    masked = Masker(credential).mask(printed)
    assert not set(secrets_in(masked)) & set(secrets)
    users = [key for key in ("username", "user", "email") if key in credential]
    for secret in secrets if users else []:
        assert base64.b64encode(f"{USER}:{secret}".encode()).decode() not in masked


LINES = [base64.b64encode(bytes([n]) * 48).decode() for n in range(1, 27)]
HOSTILE = {
    "quotes": 'it\'s "quoted" & <sealed>',
    "backslashes": 'C:\\new\\\\x41\\"t',
    "accents": "mot-de-passe-é-ß-€-😀",
    "key": "\n".join(["-----BEGIN PRIVATE KEY-----", *LINES, "-----END PRIVATE KEY-----\n"]),
    "number": 4_711_202,
    "digits": "202611",
    "four characters": "qX7!",
    "long": "eyJhbGciOi.JIUzI1NiIs-InR5cCI6_" * 20,
    "padding": "  a secret with spaces \n",
}
PRINT_ALL = """
import logging
import sys
from adaptors.common import fn

def show(state):
    for text in state["data"]:
        print(text)
        sys.stderr.write(text[:3])
        sys.stderr.write(text[3:] + "\\n")
        logging.getLogger("urllib3.connectionpool").warning("sent %s", text)
    print(state["configuration"])
    raise ValueError(" ".join(state["data"]))

fn(show)
"""


def escapes(text):
    """Return a text in twenty ways, without anything around it."""
    encoded = text.encode()
    two = json.dumps(json.dumps(text))
    return [
        text.strip(),
        repr(text)[1:-1],
        ascii(text)[1:-1],
        repr(encoded)[2:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        two[3:-3],
        repr(two)[1:-1],
        json.dumps(text)[1:-1].replace("/", "\\/"),
        quote(text),
        quote(text, safe=""),
        quote(text, safe="").lower() if text.islower() else quote(text, safe="!'()*"),
        quote_plus(text),
        quote(quote(text, safe=""), safe=""),
        html.escape(text),
        base64.b64encode(encoded).decode(),
        base64.urlsafe_b64encode(encoded).decode(),
        base64.b64encode(f"{USER}:{text}".encode()).decode(),
        base64.b64encode(f"{text}:".encode()).decode(),
        quote_plus(base64.b64encode(encoded).decode()),
        *(line for line in text.splitlines() if line in LINES),
    ]


def printed(text):
    """Return the ways, and texts around them: a document, a URL, an error that was cut."""
    user_info = f"https://{USER}:{quote(text, safe='')}@destination.example.org/api"
    documents = [{"user": USER, "password": text}, [text, {"a": text}], urlencode({"p": text})]
    around = [*map(str, documents), *map(json.dumps, documents), user_info, f"Bearer {text}"]
    return [*escapes(text), *around, f"refused {text[: len(text) * 2 // 3]}… (9 characters)"]


@pytest.mark.parametrize("name", adaptors.names())
def test_hostile_secrets_are_in_no_log_error_or_terminal(tmp_path, capfd, caplog, name):
    path = tmp_path / "job.py"
    path.write_text(PRINT_ALL, "utf-8")
    credentials = {"a": CredentialSpec(adaptor=name)}
    fields = secret_fields_of(ProjectSpec.model_construct(credentials=credentials), "a")
    for number, (kind, secret) in enumerate(HOSTILE.items()):
        credential = {**dict.fromkeys(("username", "user", "email"), USER), "ward": "seven"}
        key, *nested = fields[number % len(fields)]
        body = {**credential, key: {nested[0]: secret} if nested else secret}
        state = {"data": printed(str(secret))}
        done = run_locally(path, state, body, dry=True, secret_fields=fields)
        assert done.error.type == "ValueError"
        shown = [done.log, done.error.message, json.dumps(done.masked().as_dict())]
        leaks = [form for form in escapes(str(secret)) if any(form in text for text in shown)]
        assert leaks == [], (kind, key)
        assert "seven" in done.log
    assert "sent" not in "".join((*capfd.readouterr(), caplog.text))


def test_number_is_masked_in_a_credential_that_no_model_describes():
    masked = Masker({"pin": 4_711_202}).mask("{'pin': 4711202} 4711202.0 4,711,202")
    assert masked == "{'pin': ***} ***.0 ***"
