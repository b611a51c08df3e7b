"""A small Salesforce: logins, records with external ids, collections, SOQL and bulk jobs.

It answers as developer.salesforce.com documents it, and refuses what the real one refuses:

- a Contact without `LastName` (REQUIRED_FIELD_MISSING),
- one of the LastName `Future` (a validation rule, whose message quotes the record),
- one of the LastName `Locked`, as long as there are `locks` left (UNABLE_TO_LOCK_ROW).
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from flask import Flask, Response, jsonify, request

from tests.adaptors.serving import Served, served

USER, PASSWORD, TOKEN = "amina@example.org", "p&ss<w>rd-Zm9v", "tok3n8Yh2"
CLIENT, SECRET = "3MVG9consumer", "c0nsum3r-s3cr3t"
DATA = "/services/data/v59.0"
_ESCAPED = re.compile(r"\\(.)")
_VALUE = re.compile(r"""'((?:[^'\\]|\\.)*)'""")
_QUERY = re.compile(r"SELECT [\w, ]+ FROM (\w+)(?: WHERE (\w+) (=|IN) (.+))?", re.DOTALL)


@dataclass
class Org:
    """What there is: `records` by object and id, live `sessions`, and knobs for trouble."""

    records: dict = field(default_factory=dict)
    sessions: set = field(default_factory=set)
    logins: int = 0
    made: int = 0
    locks: int = 0
    page: int = 2
    looks: int = 1  # a batch is looked at so often before it has ended
    jobs: dict = field(default_factory=dict)

    def log_in(self):
        self.logins += 1
        session = f"00Dxx!AQ-session-{self.logins}"
        self.sessions.add(session)
        return session

    def all(self, sobject):
        return self.records.setdefault(sobject, {})

    def with_value(self, sobject, name, value):
        found = self.all(sobject).items()
        return [id_ for id_, each in found if str(each.get(name, "")) == str(value)]

    def put(self, sobject, record, id_=None):
        """Save a record as a result row: a new one without `id_`."""
        record = {key: value for key, value in record.items() if key != "attributes"}
        if error := self._refusal(sobject, record, new=id_ is None):
            return {"success": False, "errors": [error]}
        if id_ is not None and id_ not in self.all(sobject):
            return _failed("NOT_FOUND", "The requested resource does not exist")
        if id_ is None:
            self.made += 1
            id_ = f"003{self.made:012}AAA"
        self.all(sobject).setdefault(id_, {"Id": id_}).update(record)
        return {"id": id_, "success": True, "errors": []}

    def upsert(self, sobject, name, value, record):
        found = self.with_value(sobject, name, value)
        if len(found) > 1:
            return _failed("DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found")
        row = self.put(sobject, {**record, name: value}, *found)
        return {**row, "created": not found} if row["success"] else row

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
                ((name, wanted),) = value.items()
                found = [
                    id_ for each in self.records for id_ in self.with_value(each, name, wanted)
                ]
                if not found:
                    return _error("INVALID_FIELD", f"Foreign key external ID: {wanted} not found")
                record[key.replace("__r", "__c")] = found[0]
        return None


@dataclass
class Salesforce:
    """An organization being served, and the credentials that lead to it."""

    org: Org
    app: Flask
    served: Served

    def itself(self, _request):
        """Have the organization itself answer, in a queue of troubles."""
        return self.app

    @property
    def user(self):
        given = {"username": USER, "password": PASSWORD, "securityToken": TOKEN}
        return {"loginUrl": self.served.url, **given}

    @property
    def client(self):
        return {"loginUrl": self.served.url, "client_id": CLIENT, "client_secret": SECRET}

    @property
    def token(self):
        """Give the credential of a session that somebody else began."""
        return {"instance_url": self.served.url, "access_token": self.org.log_in()}

    def state(self, data=None, credential=None):
        return {"configuration": credential or self.user, "data": data, "references": []}

    @property
    def requests(self):
        """Give what arrived but for the logins, such as `POST /sobjects/Contact`."""
        told = [f"{each.method} {each.path.removeprefix(DATA)}" for each in self.served.received]
        return [each for each in told if "/Soap/" not in each and "/oauth2/" not in each]


@contextmanager
def salesforce():
    """Serve an organization in which nothing is yet."""
    org = Org()
    app = _app(org)
    with served(app) as found:
        yield Salesforce(org, app, found)


def _app(org):
    """Make the organization's API."""
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
                said = {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session"}
                return jsonify(said), 400
        elif request.headers.get("Authorization", "").removeprefix("Bearer ") not in org.sessions:
            said = {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
            return jsonify([said]), 401
        return None

    return flask


def _logins(flask, org):
    @flask.post("/services/Soap/u/59.0")
    def soap():
        tree = ET.fromstring(request.get_data())
        given = {each.tag.rpartition("}")[2]: each.text for each in tree.iter()}
        if (given["username"], given["password"]) != (USER, PASSWORD + TOKEN):
            return Response(_FAULT, 500, content_type="text/xml")
        url = f"{request.host_url}services/Soap/u/59.0/00Dxx"
        return Response(_LOGGED_IN.format(url=url, session=org.log_in()), content_type="text/xml")

    @flask.post("/services/oauth2/token")
    def oauth():
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            said = {"error": "invalid_client", "error_description": "invalid client credentials"}
            return jsonify(said), 400
        assert request.form.to_dict() == {"grant_type": "client_credentials"}
        return jsonify(access_token=org.log_in(), instance_url=request.host_url.rstrip("/"))


def _rest(flask, org):
    @flask.get(f"{DATA}/sobjects")
    def objects():
        return jsonify(sobjects=[{"name": each} for each in org.records])

    @flask.get(f"{DATA}/sobjects/<sobject>/describe")
    def described(sobject):
        return jsonify(name=sobject, fields=[{"name": "Id"}])

    @flask.post(f"{DATA}/sobjects/<sobject>")
    def create(sobject):
        return _told(org.put(sobject, request.get_json()), 201)

    @flask.get(f"{DATA}/sobjects/<sobject>/<id_>")
    def retrieve(sobject, id_):
        found = org.all(sobject).get(id_)
        return jsonify(found) if found else _told(_failed("NOT_FOUND", "no such record"), 404)

    @flask.patch(f"{DATA}/sobjects/<sobject>/<id_>")
    def update(sobject, id_):
        return _told(org.put(sobject, request.get_json(), id_), 204)

    @flask.patch(f"{DATA}/sobjects/<sobject>/<name>/<path:value>")
    def upsert(sobject, name, value):
        record = request.get_json()
        if name in record:
            return _told(_failed("INVALID_FIELD", f"{name} should not be specified"), 400)
        found = org.with_value(sobject, name, value)
        if len(found) > 1:
            return jsonify([f"{DATA}/sobjects/{sobject}/{id_}" for id_ in found]), 300
        row = org.upsert(sobject, name, value, record)
        return _told(row, 201 if row.get("created") else 200)

    @flask.post("/services/apexrest/visits")
    def apex():
        return Response("noted", content_type="text/plain")


def _collections(flask, org):
    def all_of(rows, before, *, all_or_none):
        if not all_or_none or all(row["success"] for row in rows):
            return jsonify(rows)
        org.records = before
        rolled_back = _failed("ALL_OR_NONE_OPERATION_ROLLED_BACK", "rolled back")
        return jsonify([rolled_back if row["success"] else row for row in rows])

    def each(put):
        records, before = request.json["records"], json.loads(json.dumps(org.records))
        if len(records) > 200:
            return _told(_failed("EXCEEDED_ID_LIMIT", "at most 200 records"), 400)
        rows = [put(record["attributes"]["type"], record) for record in records]
        return all_of(rows, before, all_or_none=request.json["allOrNone"])

    @flask.post(f"{DATA}/composite/sobjects")
    def create_many():
        return each(org.put)

    @flask.patch(f"{DATA}/composite/sobjects")
    def update_many():
        return each(lambda sobject, record: org.put(sobject, record, record.pop("id")))

    @flask.patch(f"{DATA}/composite/sobjects/<sobject>/<name>")
    def upsert_many(sobject, name):
        return each(lambda _, record: org.upsert(sobject, name, record[name], record))

    @flask.delete(f"{DATA}/composite/sobjects")
    def delete_many():
        before = json.loads(json.dumps(org.records))
        rows = [org.delete(id_) for id_ in request.args["ids"].split(",")]
        return all_of(rows, before, all_or_none=request.args["allOrNone"] == "true")


def _queries(flask, org):
    pages = {}

    def page(rows):
        more = {}
        if len(rows) > org.page:
            name = f"01gxx-{len(pages)}"
            pages[name] = rows[org.page :]
            more = {"nextRecordsUrl": f"{DATA}/query/{name}"}
        return jsonify(totalSize=len(rows), done=not more, records=rows[: org.page], **more)

    @flask.get(f"{DATA}/query/")
    def query():
        match = _QUERY.fullmatch(request.args["q"])
        if not match:
            return _told(_failed("MALFORMED_QUERY", "unexpected token"), 400)
        sobject, name, _, written = match.groups()
        values = [_ESCAPED.sub(_unescaped, each) for each in _VALUE.findall(written or "")]
        if name and _VALUE.sub("", written).strip("(), "):
            return _told(_failed("MALFORMED_QUERY", "unexpected token"), 400)
        found = org.all(sobject).values()
        return page([each for each in found if not name or str(each.get(name)) in values])

    @flask.get(f"{DATA}/query/<name>")
    def more(name):
        return page(pages[name])


def _unescaped(match):
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
        org.jobs[job]["batches"][id_] = {"records": request.get_json(), "looks": org.looks}
        return jsonify(id=id_, jobId=job, state="Queued"), 201

    @flask.get(f"{base}/<job>/batch/<id_>")
    def look(job, id_):
        batch = org.jobs[job]["batches"][id_]
        batch["looks"] -= 1
        if any("Bogus__c" in each for each in batch["records"]):
            said = "InvalidBatch : Field name not found : Bogus__c"
            return jsonify(id=id_, state="Failed", stateMessage=said)
        return jsonify(id=id_, state="InProgress" if batch["looks"] >= 0 else "Completed")

    @flask.get(f"{base}/<job>/batch/<id_>/result")
    def result(job, id_):
        found = org.jobs[job]
        return jsonify([_processed(org, found, each) for each in found["batches"][id_]["records"]])


def _processed(org, job, record):
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


def _told(row, status):
    if row["success"]:
        return ("", 204) if status == 204 else (jsonify(row), status)
    errors = [{"errorCode": each.pop("statusCode"), **each} for each in row["errors"]]
    return jsonify(errors), max(status, 400)


_LOGGED_IN = """<?xml version="1.0" encoding="UTF-8"?>
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
