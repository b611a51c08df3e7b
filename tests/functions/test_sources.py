"""Every source posts a real body as its own client does, and checks the response by its own rule.

Sources written in Python are tested with the library they use. The headers and rules of others come
from their source code or from captured traffic.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import itertools
import json
import re
import time
import uuid
from xml.etree import ElementTree as ET

import pytest
import requests

from openfn.storage import secrets
from tests.conftest import ROOT
from tests.support import stack_client
from tests.support.stored_messages import message_id_of, parsed_body, stored_message
from workbench.local.stack import create_stack

EVENTS = ROOT / "events"
SOURCES = EVENTS / "sources"
PROJECT = """
name: sources
inboxes:
  open-door: {id_sha256: "HASH"}
  commcare: {id_sha256: "HASH", auth: [{basic: commcare-login}]}
  kobo:
    id_sha256: "HASH"
    auth: [{basic: kobo-login}, {api_key: kobo-key, header: X-Kobo-Key}]
    dedupe: _uuid
  aggregate: {id_sha256: "HASH", dedupe: "data[0].*meta-instance-id*"}
  central: {id_sha256: "HASH", auth: [{api_key: central-key}]}
  dhis2: {id_sha256: "HASH", auth: [{bearer: dhis2-token}]}
  github: {id_sha256: "HASH", auth: [{hmac: github-key, header: X-Hub-Signature-256}]}
  stripe:
    id_sha256: "HASH"
    auth: {hmac: stripe-key, header: Stripe-Signature}
    dedupe: id
  calendly: {id_sha256: "HASH", auth: {stripe: stripe-key, header: Calendly-Webhook-Signature}}
  shopify: {id_sha256: "HASH", auth: {hmac: github-key, header: X-Shopify-Hmac-Sha256}}
triggers:
  all: {inclusion: {}}
jobs:
  nothing: {trigger: all, expression: jobs/nothing.py}
"""
SECRETS = {
    "commcare-login": {"username": "hq", "password": "s3cret: with colon"},
    "kobo-login": {"username": "kobo", "password": "pässword"},
    "kobo-key": {"key": "k-123456"},
    "central-key": {"key": "c-123456"},
    "dhis2-token": {"token": "t-123456"},
    "github-key": {"key": "g-123456"},
    "stripe-key": {"key": "whsec_123456"},
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The URLs of a stack that has an inbox for each source."""
    project = tmp_path_factory.mktemp("sources")
    (project / "jobs").mkdir()
    nothing = "from adaptors.common import fn\nfn(lambda state: state)\n"
    (project / "jobs/nothing.py").write_text(nothing, "utf-8")
    numbers = itertools.count()
    text = re.sub("HASH", lambda _: f"{next(numbers):064x}", PROJECT)
    (project / "project.yaml").write_text(text, "utf-8")
    with create_stack(project) as stack, stack.serving() as urls:
        for name, body in SECRETS.items():
            stack.set_inbox_secret(name, body)
        yield urls


def _event(name):
    return (SOURCES / name).read_bytes()


# --- CommCare HQ: requests, POST; any final 2xx status counts --------------------------


def _commcare(url, body, content_type, **extra):
    session = requests.Session()
    headers = {"content-type": content_type, "content-length": str(len(body)), **extra}
    response = session.request("POST", url, data=body, headers=headers, timeout=(60, 300))
    assert 200 <= response.status_code < 300
    assert response.status_code != 204  # it would be recorded as "Empty"
    return response


def test_commcare_forwards_a_form_as_json(sources):
    body = (EVENTS / "commcare_home_visit.json").read_bytes()
    url = sources["open-door"] + "?app_id=6f1d5a0c9b7e4d1f8a2b3c4d5e6f7a8b"
    response = _commcare(url, body, "application/json", **{"received-on": "2026-03-09T09:02:13Z"})
    assert parsed_body(response)["form"]["village"] == "Ñame Krom"
    assert stored_message(response).query_params == {"app_id": "6f1d5a0c9b7e4d1f8a2b3c4d5e6f7a8b"}


def test_commcare_forwards_a_case_with_basic_authentication(sources):
    body = _event("commcare_case.json")
    login = base64.b64encode(b"hq:s3cret: with colon").decode()
    response = _commcare(
        sources["commcare"], body, "application/json", Authorization=f"Basic {login}"
    )
    assert parsed_body(response)["properties"]["case_name"] == "Esi Owusu"
    assert stored_message(response).body == body


def test_commcare_forwards_a_form_as_xml(sources):
    response = _commcare(sources["open-door"], _event("commcare_form.xml"), "text/xml")
    form = parsed_body(response)["data"]
    assert form["@name"] == "Home Visit"
    assert form["village"] == "Ñame Krom"
    assert form["case"]["@case_id"] == "b7c1f6f0"
    assert form["meta"]["instanceID"] == "4c1f0a52-7f63-4d0a-8a2f-6a5b6f1e2d3c"
    assert [medicine["tablets"] for medicine in form["medicine"]] == ["6", "10"]


def test_commcare_tests_the_connection_with_a_get(sources):
    headers = {"Accept": "application/json"}
    assert requests.get(sources["open-door"], headers=headers, timeout=10).ok
    assert requests.get(sources["commcare"], auth=("hq", "s3cret: with colon"), timeout=10).ok
    assert requests.get(sources["commcare"], headers=headers, timeout=10).status_code == 401


# --- ODK Aggregate: Apache HttpClient; exactly 200 before 2.0.5, else it stops its queue --------

AGGREGATE = {
    "Content-Type": "application/json",
    "User-Agent": "Apache-HttpClient/4.5.3 (Java/1.8.0_212)",
    "Accept-Encoding": "gzip,deflate",
}


def _aggregate(url, body, headers=AGGREGATE):
    response = requests.post(
        url + "?", data=body, headers=headers, timeout=60, allow_redirects=False
    )
    assert response.status_code == 200
    return response


def test_aggregate_publishes_a_record_and_a_repeated_one_is_stored_once(sources):
    body = (EVENTS / "odk_child_registration.json").read_bytes()
    first, repeated = (_aggregate(sources["aggregate"], body) for _ in range(2))
    assert message_id_of(first) == message_id_of(repeated)
    assert parsed_body(first)["data"][0]["weight"] == 7.25


def test_aggregate_before_1_4_14_sends_undeclared_iso_8859_1(sources):
    text = (EVENTS / "odk_child_registration.json").read_text("utf-8")
    body = text.replace("uuid:5b1f", "uuid:1414").encode("iso-8859-1")
    response = _aggregate(sources["aggregate"], body)
    assert parsed_body(response)["data"][0]["child_name"] == "Zoé Adjei"
    assert stored_message(response).body == body


def test_aggregate_before_1_4_posts_json_in_a_multipart_form(sources):
    record = json.dumps([{"child_name": "Kwame", "weight": 8.1}])
    parts = {"token": "", "content": "record", "format": "json", "data": record}
    request = requests.Request(
        "POST", sources["aggregate"], files={name: (None, part) for name, part in parts.items()}
    ).prepare()
    response = _aggregate(sources["aggregate"], request.body, dict(request.headers))
    assert parsed_body(response)["data"] == [{"child_name": "Kwame", "weight": 8.1}]


def test_broken_json_of_aggregate_1_3_is_accepted(sources):
    parts = {"content": "record", "format": "json", "data": '"image1":"url1",null,null'}
    request = requests.Request(
        "POST", sources["aggregate"], files={name: (None, part) for name, part in parts.items()}
    ).prepare()
    response = _aggregate(sources["aggregate"], request.body, dict(request.headers))
    assert parsed_body(response)["data"] == '"image1":"url1",null,null'


def test_aggregate_embeds_media_of_several_megabytes(sources):
    media = base64.b64encode(bytes(range(256)) * 12_000).decode()
    record = {"*meta-instance-id*": "uuid:media", "photo": {"filename": "a.jpg", "bytes": media}}
    body = json.dumps({"content": "record", "formId": "f", "data": [record]}).encode()
    assert len(body) > 4_000_000
    assert stored_message(_aggregate(sources["aggregate"], body)).body == body


# --- KoboToolbox: requests with json= or data=; anything below 400 counts ---------------------


def _kobo(url, **options):
    agent = {"User-Agent": "KoboToolbox external service - kobo.example.org #hK4bT2"}
    options["headers"] = {**options.get("headers", {}), **agent}
    response = requests.post(url, timeout=30, **options)
    response.raise_for_status()
    return response


def test_kobo_posts_json_with_basic_authentication(sources):
    submission = json.loads((EVENTS / "kobo_household.json").read_bytes())
    login = ("kobo", "pässword".encode())
    response = _kobo(sources["kobo"], json=submission, auth=login)
    assert parsed_body(response) == submission


def test_kobo_posts_with_a_custom_header(sources):
    submission = {"_uuid": str(uuid.uuid4()), "group1/name": "Zoé"}
    response = _kobo(sources["kobo"], json=submission, headers={"X-Kobo-Key": "k-123456"})
    assert parsed_body(response) == submission
    assert "x-kobo-key" not in stored_message(response).headers


def test_submission_is_stored_once_after_kobo_retries_it(sources):
    submission = {"_uuid": str(uuid.uuid4())}
    ids = {
        _kobo(
            sources["kobo"], json=submission | {"_notes": note}, auth=("kobo", "pässword".encode())
        ).headers["X-Message-Id"]
        for note in ([], ["seen"], [])
    }
    assert len(ids) == 1


def test_kobo_posts_xml(sources):
    headers = {"Content-Type": "application/xml"}
    response = _kobo(sources["open-door"], data=_event("kobo_submission.xml"), headers=headers)
    assert parsed_body(response)["aHk3"]["group1"] == {"name": "Akua", "age": "31"}


def test_classic_kobocat_and_ona_post_json_and_ignore_the_response(sources):
    for name in (EVENTS / "kobo_household.json", SOURCES / "ona_submission.json"):
        submission = json.loads(name.read_bytes())
        response = requests.post(
            sources["open-door"],
            headers={"Content-Type": "application/json"},
            data=json.dumps(submission),
            timeout=30,
        )
        assert parsed_body(response) == submission  # they never send it again, so it must be stored


# --- Other sources -------------------------------------------------------------------------------


def test_json_of_curl_has_the_content_type_of_a_form(sources):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "curl/8.5.0"}
    response = requests.post(
        sources["open-door"], data='{"foo":"bar", "baz":"qux"}', headers=headers, timeout=10
    )
    assert (response.status_code, response.json()) == (200, {})
    assert parsed_body(response) == {"foo": "bar", "baz": "qux"}


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("surveycto_submission.json", "SurveyCTO"),
        ("rapidpro_flow.json", "RapidProMailroom/9.0.1"),
        ("dhis2_event_hook.json", "Apache-HttpClient/5.2.1 (Java/17.0.9)"),
    ],
)
def test_sources_that_post_json_receive_a_json_object(sources, name, agent):
    inbox = "dhis2" if name.startswith("dhis2") else "open-door"
    headers = {"Content-Type": "application/json", "User-Agent": agent}
    if inbox == "dhis2":
        headers["Authorization"] = "Bearer t-123456"
    response = requests.post(sources[inbox], data=_event(name), headers=headers, timeout=10)
    assert (response.status_code, response.json()) == (200, {})
    assert parsed_body(response) == json.loads(_event(name))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("telerivet_sms.form", "content", "REG Amina 27"),
        ("telerivet_sms.form", "contact[name]", "Amina"),
        ("twilio_sms.form", "Body", "STOCK 14"),
        ("twilio_sms.form", "From", "+12025550100"),
    ],
)
def test_text_messages_are_forms_and_need_exactly_200(sources, name, key, value):
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    response = requests.post(sources["open-door"], data=_event(name), headers=headers, timeout=10)
    assert response.status_code == 200
    assert parsed_body(response)[key] == value
    assert stored_message(response).body == _event(name)


def test_central_webhook_sends_its_key_in_a_header(sources):
    headers = {"Content-Type": "application/json", "X-API-Key": "c-123456"}
    body = _event("odk_central_webhook.json")
    response = requests.post(sources["central"], data=body, headers=headers, timeout=10)
    assert response.status_code == 200
    assert parsed_body(response)["type"] == "submission.create"


def test_salesforce_outbound_message_is_acknowledged_in_soap(sources):
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    body = _event("salesforce_outbound_message.xml")
    response = requests.post(sources["open-door"], data=body, headers=headers, timeout=60)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/xml")
    ack = ET.fromstring(response.text).find(".//{http://soap.sforce.com/2005/09/outbound}Ack")
    assert ack.text == "true"
    notifications = parsed_body(response)["Envelope"]["Body"]["notifications"]
    assert [
        notification["sObject"]["LastName"] for notification in notifications["Notification"]
    ] == [
        "Owusu",
        "Boateng",
    ]
    assert notifications["Notification"][0]["sObject"]["@xsi:type"] == "sf:Contact"


def test_github_signs_the_bytes_of_the_body(sources):
    body = _event("github_push.json")
    signature = "sha256=" + hmac.new(b"g-123456", body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": "ping",
        "X-Hub-Signature-256": signature,
    }
    assert (
        requests.post(sources["github"], data=body, headers=headers, timeout=10).status_code == 200
    )
    changed = requests.post(sources["github"], data=body + b" ", headers=headers, timeout=10)
    assert changed.status_code == 401


def _stripe_signature(body, sent_at, key=b"whsec_123456"):
    signed = f"{sent_at}.".encode() + body
    return f"t={sent_at},v1={hmac.new(key, signed, hashlib.sha256).hexdigest()},v0=0"


def test_stripe_signs_the_time_and_the_body(sources):
    body, now = _event("stripe_event.json"), int(time.time())
    for sent_at, status in ((now, 200), (now - 3600, 401)):
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": _stripe_signature(body, sent_at),
        }
        response = requests.post(sources["stripe"], data=body, headers=headers, timeout=10)
        assert response.status_code == status


def test_a_signature_with_a_time_may_come_in_another_header(sources):
    body = _event("stripe_event.json")
    signature = _stripe_signature(body, int(time.time())).replace("v1=", "v1=0,v1=")
    headers = {"Calendly-Webhook-Signature": signature}
    response = requests.post(sources["calendly"], data=body, headers=headers, timeout=10)
    assert response.status_code == 200


@pytest.mark.parametrize("encode", [str.lower, str.upper, lambda text: f"SHA256={text.upper()}"])
def test_hexadecimal_signatures_may_be_upper_case(sources, encode):
    body = b'{"id": 7}'
    signature = hmac.new(b"g-123456", body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": encode(signature)}
    response = requests.post(sources["github"], data=body, headers=headers, timeout=10)
    assert response.status_code == 200


def test_shopify_signs_in_base64_which_has_one_spelling(sources):
    body = b'{"id": 7}'
    digest = hmac.digest(b"g-123456", body, "sha256")
    signature = base64.b64encode(digest).decode()
    for sent, status in ((signature, 200), (signature.swapcase(), 401)):
        headers = {"X-Shopify-Hmac-Sha256": sent}
        response = requests.post(sources["shopify"], data=body, headers=headers, timeout=10)
        assert response.status_code == status


@pytest.mark.parametrize("inbox", ["stripe", "calendly"])
def test_an_old_signature_with_a_time_is_no_signature_of_another_body(sources, inbox):
    """Stripe signs `t.body`, so the signature also fits a body that begins with the time."""
    sent_at = int(time.time()) - 86_400
    body = f"{sent_at}.".encode() + _event("stripe_event.json")
    signature = hmac.new(b"whsec_123456", body, hashlib.sha256).hexdigest()
    header = "Stripe-Signature" if inbox == "stripe" else "Calendly-Webhook-Signature"
    for sent in (signature, f"sha256={signature}", f"v1={signature}"):
        headers = {"Content-Type": "application/x-www-form-urlencoded", header: sent}
        response = requests.post(sources[inbox], data=body, headers=headers, timeout=10)
        assert response.status_code == 401


def test_hmac_is_not_tried_as_a_signature_with_a_time(sources):
    body, now = b'{"id": 7}', int(time.time())
    headers = {"X-Hub-Signature-256": _stripe_signature(body, now, b"g-123456")}
    response = requests.post(sources["github"], data=body, headers=headers, timeout=10)
    assert response.status_code == 401


def test_gzipped_body_is_accepted_and_stored_unchanged(sources):
    body = gzip.compress((EVENTS / "kobo_household.json").read_bytes())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = requests.post(sources["open-door"], data=body, headers=headers, timeout=10)
    assert response.status_code == 200
    assert stored_message(response).body == body
    assert parsed_body(response)["group1/name"] == "twenty"


# --- Wrong credentials ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inbox", "headers"),
    [
        ("commcare", {}),
        ("commcare", {"Authorization": "Basic !!"}),
        ("commcare", {"Authorization": "Basic " + base64.b64encode(b"hq:wrong").decode()}),
        ("commcare", {"Authorization": "Basic Og=="}),
        ("commcare", {"Authorization": "Bearer t-123456"}),
        ("central", {"X-API-Key": ""}),
        ("central", {"X-API-Key": "c-12345"}),
        ("dhis2", {"Authorization": "Bearer "}),
        ("dhis2", {"Authorization": "t-123456"}),
        ("github", {"X-Hub-Signature-256": "sha256="}),
        ("github", {"X-Hub-Signature-256": "t=1,v1="}),
        ("stripe", {"Stripe-Signature": "t=x,v1=0"}),
        ("stripe", {"Stripe-Signature": "t=\u00b2,v1=0".encode()}),
        ("stripe", {"Stripe-Signature": f"t={'9' * 5000},v1=0"}),
    ],
)
def test_wrong_credentials_return_401_with_a_challenge(sources, inbox, headers):
    response = requests.post(sources[inbox], data=b"{}", headers=headers, timeout=10)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"]
    assert "X-Message-Id" not in response.headers


@pytest.mark.parametrize(
    ("secret", "header"),
    [
        ({"token": None}, "Bearer None"),
        ({"token": False}, "Bearer False"),
        ({"token": ""}, "Bearer "),
        ({}, "Bearer "),
    ],
)
def test_incomplete_secret_authorizes_nobody(sources, secret, header):
    client, name = stack_client.client("secretsmanager"), "openfn/inboxes/dhis2-token"
    secrets.clear_cache()
    client.update_secret(SecretId=name, SecretString=json.dumps(secret))
    response = requests.post(
        sources["dhis2"], data=b"{}", headers={"Authorization": header}, timeout=10
    )
    client.update_secret(SecretId=name, SecretString=json.dumps(SECRETS["dhis2-token"]))
    secrets.clear_cache()
    assert response.status_code == 401


def test_missing_secret_does_not_block_another_scheme(sources):
    client, name = stack_client.client("secretsmanager"), "openfn/inboxes/kobo-login"
    secrets.clear_cache()
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    response = requests.post(
        sources["kobo"], data=b"{}", headers={"X-Kobo-Key": "k-123456"}, timeout=10
    )
    client.create_secret(Name=name, SecretString=json.dumps(SECRETS["kobo-login"]))
    secrets.clear_cache()
    assert response.status_code == 200


def test_rotated_secret_is_accepted_and_a_missing_one_returns_503(sources):
    client = stack_client.client("secretsmanager")
    headers = {"X-API-Key": "c-123456"}
    name = "openfn/inboxes/central-key"
    assert requests.post(sources["central"], data=b"{}", headers=headers, timeout=10).ok
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    secrets.clear_cache()
    response = requests.post(sources["central"], data=b"{}", headers=headers, timeout=10)
    assert response.status_code == 503
    client.create_secret(Name=name, SecretString=json.dumps({"key": "c-new"}))
    new = {"X-API-Key": "c-new"}
    assert requests.post(sources["central"], data=b"{}", headers=new, timeout=10).ok
    client.update_secret(SecretId=name, SecretString=json.dumps(SECRETS["central-key"]))
    secrets.clear_cache()
    assert requests.post(sources["central"], data=b"{}", headers=headers, timeout=10).ok
