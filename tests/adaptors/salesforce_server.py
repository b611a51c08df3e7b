"""A small Salesforce: logins, records with external ids, collections, SOQL and bulk jobs.

It answers as developer.salesforce.com documents it, and refuses what the real one refuses:

- a Contact without `LastName` (REQUIRED_FIELD_MISSING),
- one with the LastName `Future` (a validation rule, whose message quotes the record),
- one with the LastName `Locked`, as long as `locks` are left (UNABLE_TO_LOCK_ROW).
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import jwt
from flask import Flask, Response, jsonify, request

from tests.adaptors.oauth2_server import JWT_BEARER, KEY, pem
from tests.support.wsgi_server import WsgiServer, serve

USER, PASSWORD, TOKEN = "amina@example.org", "p&ss<w>rd-Zm9v", "tok3n8Yh2"
CLIENT, SECRET = "3MVG9consumer", "c0nsum3r-s3cr3t"
DATA = "/services/data/v59.0"
_ESCAPED = re.compile(r"\\(.)")
_VALUE = re.compile(r"""'((?:[^'\\]|\\.)*)'""")
_QUERY = re.compile(r"SELECT [\w, ]+ FROM (\w+)(?: WHERE (\w+) (=|IN) (.+))?", re.DOTALL)


@dataclass
class Org:
    """An organization: `records` by object and id, valid `sessions`, and simulated failures."""

    records: dict = field(default_factory=dict)
    sessions: set = field(default_factory=set)
    logins: int = 0
    created: int = 0
    locks: int = 0
    page_size: int = 2
    polls: int = 1  # how often a batch is polled before it has ended
    jobs: dict = field(default_factory=dict)

    def log_in(self):
        self.logins += 1
        session = f"00Dxx!AQ-session-{self.logins}"
        self.sessions.add(session)
        return session

    def all(self, sobject):
        return self.records.setdefault(sobject, {})

    def with_value(self, sobject, name, value):
        records = self.all(sobject).items()
        return [id_ for id_, record in records if str(record.get(name, "")) == str(value)]

    def put(self, sobject, record, id_=None):
        """Save a record, a new one without `id_`, and return its result row."""
        record = {key: value for key, value in record.items() if key != "attributes"}
        if error := self._refusal(sobject, record, new=id_ is None):
            return {"success": False, "errors": [error]}
        if id_ is not None and id_ not in self.all(sobject):
            return _failed("NOT_FOUND", "The requested resource does not exist")
        if id_ is None:
            self.created += 1
            id_ = f"003{self.created:012}AAA"
        self.all(sobject).setdefault(id_, {"Id": id_}).update(record)
        return {"id": id_, "success": True, "errors": []}

    def upsert(self, sobject, name, value, record):
        ids = self.with_value(sobject, name, value)
        if len(ids) > 1:
            return _failed("DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found")
        row = self.put(sobject, {**record, name: value}, *ids)
        return {**row, "created": not ids} if row["success"] else row

    def delete(self, id_):
        for records in self.records.values():
            if records.pop(id_, None):
                return {"id": id_, "success": True, "errors": []}
        return _failed("ENTITY_IS_DELETED", "entity is deleted")

    def _refusal(self, sobject, record, *, new):
        if sobject == "Contact" and new and not record.get("LastName"):
            return _error("REQUIRED_FIELD_MISSING", "Required fields are missing", ["LastName"])
        if record.get("LastName") == "Future":
            return _error(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION", f"born after today: {json.dumps(record)}"
            )
        if record.get("LastName") == "Locked" and self.locks > 0:
            self.locks -= 1
            return _error("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        for key, value in list(record.items()):
            if key.endswith("__r"):
                ((name, external_id),) = value.items()
                ids = [
                    id_
                    for other in self.records
                    for id_ in self.with_value(other, name, external_id)
                ]
                if not ids:
                    return _error(
                        "INVALID_FIELD", f"Foreign key external ID: {external_id} not found"
                    )
                record[key.replace("__r", "__c")] = ids[0]
        return None


@dataclass
class Salesforce:
    """A running organization, and credentials for it."""

    org: Org
    app: Flask
    served: WsgiServer

    @property
    def url(self):
        return self.served.url

    @property
    def received(self):
        return self.served.received

    def respond_with(self, *responses):
        """Respond to the next requests with these responses, instead of the organization's."""
        self.served.failures.extend(responses)

    def itself(self, _request):
        """Let the organization itself respond: an element of `respond_with`."""
        return self.app

    def silent(self, request):
        """Never respond: an element of `respond_with`."""
        return self.served.silent(request)

    @property
    def user(self):
        login = {"username": USER, "password": PASSWORD, "securityToken": TOKEN}
        return {"loginUrl": self.url, **login}

    @property
    def client(self):
        return {"loginUrl": self.url, "client_id": CLIENT, "client_secret": SECRET}

    @property
    def service(self):
        """A credential of an app with a certificate, whose key signs."""
        keys = {"client_id": CLIENT, "username": USER, "private_key": pem("PKCS8")}
        return {"loginUrl": self.url, **keys}

    @property
    def token(self):
        """A credential with an access token that the adaptor did not obtain."""
        return {"instance_url": self.url, "access_token": self.org.log_in()}

    def state(self, data=None, credential=None):
        return {"configuration": credential or self.user, "data": data, "references": []}

    @property
    def requests(self):
        """Method and path of the received requests without logins: `POST /sobjects/Contact`."""
        return [
            f"{request.method} {request.path.removeprefix(DATA)}"
            for request in self.received
            if "/Soap/" not in request.path and "/oauth2/" not in request.path
        ]


@contextmanager
def running():
    """Run a server of an organization without records."""
    org = Org()
    app = _app(org)
    with serve(app) as server:
        yield Salesforce(org, app, server)


def _app(org):
    """Create the WSGI application of an organization."""
    flask = Flask(__name__)
    _logins(flask, org)
    _rest(flask, org)
    _collections(flask, org)
    _queries(flask, org)
    _bulk(flask, org)

    @flask.before_request
    def _authorized():
        if request.path.startswith(("/services/Soap", "/services/oauth2")):
            return None
        if request.path.startswith("/services/async"):
            if request.headers.get("X-SFDC-Session") not in org.sessions:
                error = {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session"}
                return jsonify(error), 400
        elif request.headers.get("Authorization", "").removeprefix("Bearer ") not in org.sessions:
            error = {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
            return jsonify([error]), 401
        return None

    return flask


def _logins(flask, org):
    @flask.post("/services/Soap/u/59.0")
    def soap():
        tree = ET.fromstring(request.get_data())
        login = {element.tag.rpartition("}")[2]: element.text for element in tree.iter()}
        if (login["username"], login["password"]) != (USER, PASSWORD + TOKEN):
            return Response(_FAULT, 500, content_type="text/xml")
        url = f"{request.host_url}services/Soap/u/59.0/00Dxx"
        return Response(
            _LOGIN_RESPONSE.format(url=url, session=org.log_in()), content_type="text/xml"
        )

    @flask.post("/services/oauth2/token")
    def oauth():
        if request.form["grant_type"] == JWT_BEARER:
            audience = "https://login.salesforce.com"
            claims = jwt.decode(
                request.form["assertion"], KEY.public_key(), ["RS256"], audience=audience
            )
            if (claims["iss"], claims["sub"]) != (CLIENT, USER):
                return jsonify({"error": "invalid_grant"}), 400
            return jsonify(access_token=org.log_in(), instance_url=request.host_url.rstrip("/"))
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            error = {"error": "invalid_client", "error_description": "invalid client credentials"}
            return jsonify(error), 400
        assert request.form.to_dict() == {"grant_type": "client_credentials"}
        return jsonify(access_token=org.log_in(), instance_url=request.host_url.rstrip("/"))


def _rest(flask, org):
    @flask.get(f"{DATA}/sobjects")
    def objects():
        return jsonify(sobjects=[{"name": name} for name in org.records])

    @flask.get(f"{DATA}/sobjects/<sobject>/describe")
    def describe(sobject):
        return jsonify(name=sobject, fields=[{"name": "Id"}])

    @flask.post(f"{DATA}/sobjects/<sobject>")
    def create(sobject):
        return _row_response(org.put(sobject, request.get_json()), 201)

    @flask.get(f"{DATA}/sobjects/<sobject>/<id_>")
    def retrieve(sobject, id_):
        record = org.all(sobject).get(id_)
        return (
            jsonify(record)
            if record
            else _row_response(_failed("NOT_FOUND", "no such record"), 404)
        )

    @flask.patch(f"{DATA}/sobjects/<sobject>/<id_>")
    def update(sobject, id_):
        return _row_response(org.put(sobject, request.get_json(), id_), 204)

    @flask.patch(f"{DATA}/sobjects/<sobject>/<name>/<path:value>")
    def upsert(sobject, name, value):
        record = request.get_json()
        if name in record:
            return _row_response(_failed("INVALID_FIELD", f"{name} should not be specified"), 400)
        ids = org.with_value(sobject, name, value)
        if len(ids) > 1:
            return jsonify([f"{DATA}/sobjects/{sobject}/{id_}" for id_ in ids]), 300
        row = org.upsert(sobject, name, value, record)
        return _row_response(row, 201 if row.get("created") else 200)

    @flask.post("/services/apexrest/visits")
    def apex():
        return Response("accepted", content_type="text/plain")


def _collections(flask, org):
    def respond(rows, before, *, all_or_none):
        if not all_or_none or all(row["success"] for row in rows):
            return jsonify(rows)
        org.records = before
        rolled_back = _failed("ALL_OR_NONE_OPERATION_ROLLED_BACK", "rolled back")
        return jsonify([rolled_back if row["success"] else row for row in rows])

    def write_all(write):
        records, before = request.json["records"], json.loads(json.dumps(org.records))
        if len(records) > 200:
            return _row_response(_failed("EXCEEDED_ID_LIMIT", "at most 200 records"), 400)
        rows = [write(record["attributes"]["type"], record) for record in records]
        return respond(rows, before, all_or_none=request.json["allOrNone"])

    @flask.post(f"{DATA}/composite/sobjects")
    def create_many():
        return write_all(org.put)

    @flask.patch(f"{DATA}/composite/sobjects")
    def update_many():
        return write_all(lambda sobject, record: org.put(sobject, record, record.pop("id")))

    @flask.patch(f"{DATA}/composite/sobjects/<sobject>/<name>")
    def upsert_many(sobject, name):
        return write_all(lambda _, record: org.upsert(sobject, name, record[name], record))

    @flask.delete(f"{DATA}/composite/sobjects")
    def delete_many():
        before = json.loads(json.dumps(org.records))
        rows = [org.delete(id_) for id_ in request.args["ids"].split(",")]
        return respond(rows, before, all_or_none=request.args["allOrNone"] == "true")


def _queries(flask, org):
    pages = {}

    def page(rows):
        more = {}
        if len(rows) > org.page_size:
            name = f"01gxx-{len(pages)}"
            pages[name] = rows[org.page_size :]
            more = {"nextRecordsUrl": f"{DATA}/query/{name}"}
        return jsonify(totalSize=len(rows), done=not more, records=rows[: org.page_size], **more)

    @flask.get(f"{DATA}/query/")
    def query():
        match = _QUERY.fullmatch(request.args["q"])
        if not match:
            return _row_response(_failed("MALFORMED_QUERY", "unexpected token"), 400)
        sobject, name, _, condition = match.groups()
        values = [_ESCAPED.sub(_unescape, value) for value in _VALUE.findall(condition or "")]
        if name and _VALUE.sub("", condition).strip("(), "):
            return _row_response(_failed("MALFORMED_QUERY", "unexpected token"), 400)
        records = org.all(sobject).values()
        return page([r for r in records if not name or str(r.get(name)) in values])

    @flask.get(f"{DATA}/query/<name>")
    def more(name):
        return page(pages[name])


def _unescape(match):
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1])


def _bulk(flask, org):
    base = "/services/async/59.0/job"

    @flask.post(base)
    def open_job():
        id_ = f"750{len(org.jobs)}"
        org.jobs[id_] = {"id": id_, "state": "Open", "batches": {}, **request.get_json()}
        return jsonify(id=id_, state="Open"), 201

    @flask.post(f"{base}/<job>")
    def close(job):
        org.jobs[job] |= request.get_json()
        return jsonify(id=job, state="Closed")

    @flask.post(f"{base}/<job>/batch")
    def add(job):
        id_ = f"751{len(org.jobs[job]['batches'])}"
        org.jobs[job]["batches"][id_] = {"records": request.get_json(), "polls": org.polls}
        return jsonify(id=id_, jobId=job, state="Queued"), 201

    @flask.get(f"{base}/<job>/batch/<id_>")
    def poll(job, id_):
        batch = org.jobs[job]["batches"][id_]
        batch["polls"] -= 1
        if any("Bogus__c" in record for record in batch["records"]):
            message = "InvalidBatch : Field name not found : Bogus__c"
            return jsonify(id=id_, state="Failed", stateMessage=message)
        return jsonify(id=id_, state="InProgress" if batch["polls"] >= 0 else "Completed")

    @flask.get(f"{base}/<job>/batch/<id_>/result")
    def result(job, id_):
        records = org.jobs[job]["batches"][id_]["records"]
        return jsonify([_process(org, org.jobs[job], record) for record in records])


def _process(org, job, record):
    sobject, name = job["object"], job.get("externalIdFieldName")
    if job["operation"] == "upsert":
        return org.upsert(sobject, name, record[name], record)
    if job["operation"] in ("delete", "hardDelete"):
        assert list(record) == ["Id"]
        return org.delete(record["Id"])
    return org.put(sobject, record, record.get("Id"))


def _error(code, message, fields=()):
    return {"statusCode": code, "message": message, "fields": list(fields)}


def _failed(code, message):
    return {"success": False, "errors": [_error(code, message)]}


def _row_response(row, status):
    if row["success"]:
        return ("", 204) if status == 204 else (jsonify(row), status)
    errors = [{"errorCode": error.pop("statusCode"), **error} for error in row["errors"]]
    return jsonify(errors), max(status, 400)


_LOGIN_RESPONSE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>
<passwordExpired>false</passwordExpired><sandbox>false</sandbox>
<serverUrl>{url}</serverUrl><sessionId>{session}</sessionId>
</result></loginResponse></soapenv:Body></soapenv:Envelope>"""
_FAULT = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>
<faultcode>INVALID_LOGIN</faultcode>
<faultstring>INVALID_LOGIN: Invalid username, password, security token; or user locked out.
</faultstring><detail><sf:LoginFault><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>
<sf:exceptionMessage>Invalid username, password, security token; or user locked out.
</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"""
