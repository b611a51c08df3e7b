"""No secret of any adaptor's credential is in a dry run, a state, a log or an error of a run."""

from __future__ import annotations

import base64
import json

import pytest

import adaptors
from openfn.jobs.secret_masking import mask
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
    masked = mask(printed, credential)
    assert not set(secrets_in(masked)) & set(secrets)
    users = [key for key in ("username", "user", "email") if key in credential]
    for secret in secrets if users else []:
        assert base64.b64encode(f"{USER}:{secret}".encode()).decode() not in masked
