"""A small DHIS2 of a chosen version, which keeps what it is sent and answers as the real one does.

What each endpoint answers, by version, is what was read in the source of DHIS2 2.36 to 2.43: the
shapes of import summaries, the default of `async`, what a soft deletion means, and the old tracker,
which 2.42 no longer has.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import string
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from tests.adaptors.serving import Served, served, status

USER, PASSWORD, TOKEN = "admin", "district-Zm9v", "d2pat_s3cr3tZm9vYmFy1234"
PERSON, NAME, NATIONAL_ID = "nEenWmSyUEp", "w75KJ2mc4zz", "lZGmxYbs97q"
FACILITY, FORBIDDEN, PROGRAM, STAGE = "DiszpKrYNg8", "O6uvpzGd5pu", "IpHINAT79UW", "A03MvHHogjR"
MEASLES, DYSENTERY = "f7n9E0hX8qk", "Ix2HsbDMLea"
TYPES = {
    "trackedEntities": ("trackedEntity", "TRACKED_ENTITY", "E1002", "E1063", "E1114"),
    "enrollments": ("enrollment", "ENROLLMENT", "E1080", "E1081", "E1113"),
    "events": ("event", "EVENT", "E1030", "E1032", "E1082"),
    "relationships": ("relationship", "RELATIONSHIP", "E4015", "E4016", "E4017"),
}
OLD = {"trackedEntityInstances": "trackedEntityInstance", "events": "event"}
OLD |= {"enrollments": "enrollment"}
MEMBERS = {"attributes": "attribute", "dataValues": "dataElement"}


@dataclass
class Dhis2:
    """What this DHIS2 holds: of the tracker, of the old tracker, aggregate data, and metadata."""

    version: int
    tracker: dict = field(default_factory=lambda: {kind: {} for kind in TYPES})
    attributes: set = field(default_factory=lambda: {NAME, NATIONAL_ID})
    deleted: set = field(default_factory=set)
    old: dict = field(default_factory=lambda: {kind: {} for kind in OLD})
    values: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=lambda: {"organisationUnits": {}, "dataElements": {}})
    jobs: list = field(default_factory=list)

    def begin(self, version):
        """Forget everything, and be of this version."""
        self.__init__(version)

    def everything(self):
        """Give all that is kept, to see whether anything changed."""
        return [self.tracker, self.old, self.values, self.metadata]


@dataclass
class Site:
    """A DHIS2 being served: what it holds, and what it was asked."""

    holds: Dhis2
    served: Served

    def begin(self, version=40):
        """Begin anew, as this version."""
        self.holds.begin(version)
        self.served.received.clear()
        self.served.troubles.clear()

    def state(self, data=None, **configuration):
        """Make the state of a job whose credential is this DHIS2's."""
        credential = {"hostUrl": self.served.url, "username": USER, "password": PASSWORD}
        return {"configuration": {**credential, **configuration}, "data": data, "references": []}

    def says(self, body, code=200, **headers):
        """Answer the next request with this JSON instead."""
        named = {"Content-Type": "application/json", **headers}
        self.served.troubles.append(status(code, json.dumps(body).encode(), **named))

    @property
    def asked(self):
        """Give what it was asked, as methods and paths."""
        return [f"{each.method} {each.path}" for each in self.served.received]

    @property
    def only(self):
        """Give the one request that it received."""
        (received,) = self.served.received
        return received


@contextmanager
def running():
    """Serve a DHIS2 on loopback."""
    holds = Dhis2(40)
    with served(application(holds)) as found:
        yield Site(holds, found)


def application(dhis2):
    """Make the WSGI application of a DHIS2."""
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    app.register_error_handler(HTTPException, _failed)
    app.before_request(lambda: _entered(dhis2))
    routes = [
        ("tracker", ["POST"], _imported),
        ("tracker/<kind>", ["GET"], _exported),
        ("tracker/<kind>/<uid>", ["GET"], _one),
        ("dataValueSets", ["POST"], _values),
        ("metadata", ["POST"], _metadata),
        ("<kind>", ["GET"], _listed),
        ("<kind>", ["POST"], _posted),
        ("<kind>/<uid>", ["GET", "PUT", "PATCH", "DELETE"], _changed),
    ]
    for path, methods, view in routes:
        for prefix in ("/api/", "/api/<int:v>/"):
            name = f"{prefix}{path}{methods}"
            app.add_url_rule(prefix + path, name, _bound(view, dhis2), methods=methods)
    return app


def _bound(view, dhis2):
    def bound(v=None, **arguments):
        if v is not None and not 28 <= v <= dhis2.version:
            return message(404, "ERROR", "API version is not supported")
        return view(dhis2, v or dhis2.version, **arguments)

    return bound


def message(code, status, text, response=None, **more):
    """Answer with the envelope of a WebMessage."""
    reasons = {200: "OK", 201: "Created", 401: "Unauthorized", 404: "Not Found", 409: "Conflict"}
    body = {"httpStatus": reasons.get(code, "Bad Request"), "httpStatusCode": code}
    body |= {"status": status, "message": text, **more}
    return jsonify(body | ({"response": response} if response else {})), code


def _failed(error):
    return message(error.code, "ERROR", error.name)


def _entered(_dhis2):
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") in {f"Basic {pair}", f"ApiToken {TOKEN}"}:
        return None
    if "X-Requested-With" not in request.headers:
        return Response("", 302, {"Location": "/dhis-web-commons/security/login.action"})
    return message(401, "ERROR", "Unauthorized")


# The tracker


def _imported(dhis2, _v):
    payload, strategy = request.get_json(), request.args.get("importStrategy", "CREATE").upper()
    at_once = request.args.get("async", "true").lower() == "false"
    report = _import(dhis2, payload, strategy, request.args.get("atomicMode", "ALL"))
    if at_once:
        return jsonify(report), 409 if report["status"] == "ERROR" else 200
    job = _made_up()
    dhis2.jobs.append((job, report))
    where = {"id": job, "location": f"{request.host_url}api/tracker/jobs/{job}"}
    return message(200, "OK", "Tracker job added", where)


def _import(dhis2, payload, strategy, atomic):
    flat = list(_flat(payload, None))
    told = [(kind, each, *_validated(dhis2, kind, each, strategy, flat)) for kind, each in flat]
    errors = [error for _, _, found, _ in told for error in found]
    warnings = [warning for *_, found in told for warning in found]
    kinds = {kind: _stats() for kind in TYPES}
    reports = {kind: [] for kind in TYPES}
    failed = {id(each) for _, each, found, _ in told if found}
    if not errors or atomic == "OBJECT":
        for kind, each in flat:
            if id(each) not in failed:
                kinds[kind][_persist(dhis2, kind, each, strategy)] += 1
                reports[kind].append({"uid": each[TYPES[kind][0]], "errorReports": []})
    stats = {key: sum(each[key] for each in kinds.values()) for key in _stats()}
    stats["ignored"] += len(flat) if errors and atomic == "ALL" else len(failed)
    shown = request.args.get("reportMode", "ERRORS") != "ERRORS"
    return {
        "status": "ERROR" if errors else "WARNING" if warnings else "OK",
        "validationReport": {"errorReports": errors, "warningReports": warnings if shown else []},
        "stats": stats | {"total": len(flat)},
        "bundleReport": {"typeReportMap": _types(kinds, reports)},
    }


def _stats():
    return dict.fromkeys(["created", "updated", "deleted", "ignored"], 0)


def _types(kinds, reports):
    return {
        TYPES[kind][1]: {
            "trackerType": TYPES[kind][1],
            "stats": {**kinds[kind], "total": sum(kinds[kind].values())},
            "objectReports": reports[kind],
        }
        for kind in TYPES
    }


def _flat(part, parent):
    for kind in TYPES:
        for each in part.get(kind) or []:
            each.setdefault(TYPES[kind][0], _made_up())
            if parent and kind != "relationships":
                each.setdefault(*parent)
            yield kind, each
            yield from _flat(each, (TYPES[kind][0], each[TYPES[kind][0]]))


def _validated(dhis2, kind, each, strategy, flat):
    name, type_, exists, missing, gone = TYPES[kind]
    uid, there = each[name], each[name] in dhis2.tracker[kind]
    errors, warnings = [], []

    def add(code, text, key="errorCode", into=errors):
        into.append({"message": text, key: code, "trackerType": type_, "uid": uid})

    if not re.fullmatch("[a-zA-Z][a-zA-Z0-9]{10}", uid):
        add("E1048", f"Object: `{type_}`, uid: `{uid}`, has an invalid uid format.")
    elif uid in dhis2.deleted:
        add(gone, f"{name}: `{uid}`, is already deleted and can't be modified.")
    elif there and strategy == "CREATE":
        add(exists, f"{name}: `{uid}`, already exists.")
    elif not there and strategy in {"UPDATE", "DELETE"}:
        add(missing, f"{name}: `{uid}`, does not exist.")
    elif there and kind == "relationships" and strategy != "DELETE":
        add("E4015", f"Relationship: `{uid}`, already exists.", "warningCode", warnings)
    elif strategy != "DELETE":
        for code, text in _RULES[kind](dhis2, each, flat):
            add(code, text)
    return errors, warnings


def _entity_rules(dhis2, entity, _flat):
    if entity.get("orgUnit") == FORBIDDEN:
        yield "E1000", f"User: `xE7jOejl9FI`, has no write access to: `{FORBIDDEN}`."
    if entity.get("trackedEntityType") != PERSON:
        yield "E1005", f"Could not find TrackedEntityType: `{entity.get('trackedEntityType')}`."
    for each in entity.get("attributes") or []:
        if each["attribute"] not in dhis2.attributes:
            yield "E1006", f"Attribute: `{each['attribute']}`, does not exist."
        elif each["attribute"] == NATIONAL_ID and _taken(dhis2, entity, each["value"]):
            text = f"Non-unique attribute value `{each['value']}` for attribute `{NATIONAL_ID}`"
            yield "E1064", text


def _taken(dhis2, entity, value):
    others = dhis2.tracker["trackedEntities"].values()
    return value is not None and any(
        {"attribute": NATIONAL_ID, "value": value} in other.get("attributes", [])
        for other in others
        if other["trackedEntity"] != entity["trackedEntity"]
    )


def _enrollment_rules(dhis2, enrollment, flat):
    if not _known(dhis2, "trackedEntities", enrollment.get("trackedEntity"), flat):
        yield "E1068", f"Could not find TrackedEntity: `{enrollment.get('trackedEntity')}`."
    if enrollment.get("program") != PROGRAM:
        yield "E1069", f"Could not find Program: `{enrollment.get('program')}`."


def _event_rules(dhis2, event, flat):
    if not event.get("occurredAt"):
        yield "E1031", "Event OccurredAt date is missing."
    if event.get("enrollment") and not _known(dhis2, "enrollments", event["enrollment"], flat):
        yield "E1081", f"Enrollment: `{event['enrollment']}`, do not exist."


def _relationship_rules(dhis2, relationship, flat):
    for side in ("from", "to"):
        uid = relationship[side]["trackedEntity"]["trackedEntity"]
        if not _known(dhis2, "trackedEntities", uid, flat):
            yield "E4012", f"Could not find `trackedEntity`: `{uid}`, linked to Relationship."


_RULES = {
    "trackedEntities": _entity_rules,
    "enrollments": _enrollment_rules,
    "events": _event_rules,
    "relationships": _relationship_rules,
}


def _known(dhis2, kind, uid, flat):
    sent = {each[TYPES[kind][0]] for name, each in flat if name == kind}
    return uid in dhis2.tracker[kind] or uid in sent


def _persist(dhis2, kind, each, strategy):
    kept, uid = dhis2.tracker[kind], each[TYPES[kind][0]]
    if strategy == "DELETE":
        _delete(dhis2, kind, uid)
        return "deleted"
    if uid not in kept:
        kept[uid] = {k: v for k, v in each.items() if k not in TYPES}
        return "created"
    if kind == "relationships":
        return "ignored"
    new = {k: v for k, v in each.items() if k not in TYPES}
    for key, name in MEMBERS.items():
        members = {member[name]: member for member in kept[uid].get(key, []) + new.get(key, [])}
        if members:
            new[key] = [member for member in members.values() if member["value"] is not None]
    kept[uid] = new
    return "updated"


def _delete(dhis2, kind, uid):
    dhis2.tracker[kind].pop(uid)
    dhis2.deleted.add(uid)
    for inner in TYPES:
        for other, each in list(dhis2.tracker[inner].items()):
            if inner != kind and each.get(TYPES[kind][0]) == uid:
                _delete(dhis2, inner, other)


def _exported(dhis2, _v, kind):
    found = [each for each in reversed(dhis2.tracker[kind].values()) if _asked_for(each)]
    page, size = (int(request.args.get(*each)) for each in (("page", 1), ("pageSize", 50)))
    shown = found[(page - 1) * size : page * size]
    pager = {"page": page, "pageSize": size}
    if dhis2.version <= 40:
        return jsonify({**pager, "instances": shown})
    if dhis2.version == 41:
        return jsonify({"pager": pager, **pager, "instances": shown, kind: shown})
    return jsonify({"pager": pager, kind: shown})


def _asked_for(each):
    wanted = {k: v for k, v in request.args.items() if k in {"program", "orgUnit", "orgUnits"}}
    filters = [one.split(":", 2) for one in request.args.getlist("filter")]
    members = [(member["attribute"], member["value"]) for member in each.get("attributes", [])]
    return all(each.get(key.removesuffix("s")) == value for key, value in wanted.items()) and all(
        (name, value) in members for name, _, value in filters
    )


def _one(dhis2, _v, kind, uid):
    if uid not in dhis2.tracker[kind]:
        return message(404, "ERROR", f"{kind} with id {uid} could not be found.")
    return jsonify({**dhis2.tracker[kind][uid], "createdBy": {"username": USER}})


def _made_up():
    letters = string.ascii_letters
    return secrets.choice(letters) + "".join(secrets.choice(letters + "0123") for _ in range(10))


# Aggregate data


def _values(dhis2, v):
    if request.mimetype != "application/json":
        return message(415, "ERROR", "Unsupported Media Type")
    if request.args.get("async") == "true":
        job = {"id": _made_up(), "jobType": "DATAVALUE_IMPORT", "name": "dataValueImport"}
        return message(200, "OK", "Initiated DATAVALUE_IMPORT", job)
    sent = request.get_json()
    counts = dict.fromkeys(["imported", "updated", "ignored", "deleted"], 0)
    conflicts = []
    if sent.get("orgUnit") == FORBIDDEN:
        conflicts.append(_conflict("E7612", "orgUnit", FORBIDDEN, None, v))
    for n, each in enumerate(sent["dataValues"]):
        if each["dataElement"] not in {MEASLES, DYSENTERY}:
            conflicts.append(_conflict("E7610", "dataElement", each["dataElement"], n, v))
        counts[_kept(dhis2, sent, each)] += 1
    status = "WARNING" if conflicts else "SUCCESS"
    status = "ERROR" if conflicts and counts["ignored"] == len(sent["dataValues"]) else status
    summary = {"responseType": "ImportSummary", "status": status, "importCount": counts}
    summary |= {"conflicts": conflicts, "dataSetComplete": "false"}
    if v >= 37:
        summary["rejectedIndexes"] = [n for each in conflicts for n in each["indexes"]]
    return _summed(dhis2, v, summary)


def _conflict(code, key, uid, index, v):
    text = f"{key} not found or not accessible: `{uid}`"
    if v < 37:
        return {"object": uid, "value": text}
    where = {"indexes": [] if index is None else [index], "property": key, "errorCode": code}
    return {"object": uid, "objects": {key: uid}, "value": text, **where}


def _kept(dhis2, sent, each):
    key = (each["dataElement"], *(each.get(k, sent.get(k)) for k in ("period", "orgUnit")))
    if each["dataElement"] not in {MEASLES, DYSENTERY} or key[2] == FORBIDDEN:
        return "ignored"
    before, now = dhis2.values.get(key), str(each["value"])
    dhis2.values[key] = now
    return "imported" if before is None else "updated" if before != now else "ignored"


def _summed(dhis2, v, summary):
    status = summary["status"]
    if v < 38 and dhis2.version <= 41:
        return jsonify(summary)
    if status == "ERROR":
        text = "An error occurred, please check import summary."
        return message(409, "ERROR", text, summary)
    if status == "WARNING":
        text = "One more conflicts encountered, please check import summary."
        return message(200 if dhis2.version >= 43 else 409, "WARNING", text, summary)
    return message(200, "OK", "Import was successful.", summary)


# Metadata, and the old tracker


def _metadata(dhis2, v):
    counts, types = _stats(), []
    for kind, objects in request.get_json().items():
        reports = []
        for n, each in enumerate(objects):
            errors = _missing(each)
            reports.append({"klass": _klass(kind), "index": n, "errorReports": errors})
            counts["ignored" if errors else "created"] += 1
            if not errors:
                dhis2.metadata[kind][each.setdefault("id", _made_up())] = each
        types.append({"klass": _klass(kind), "objectReports": reports})
    well = not counts["ignored"]
    report = {"status": "OK" if well else "ERROR", "stats": counts, "typeReports": types}
    if v < 38:
        return jsonify(report)
    text = "" if well else "One or more errors occurred, please see full details in import report."
    report["responseType"] = "ImportReport"
    return message(200 if well else 409, "OK" if well else "WARNING", text, report)


def _klass(kind):
    name = kind[0].upper() + kind[1:-1]
    return f"org.hisp.dhis.{name.lower()}.{name}"


def _missing(each):
    return [
        {
            "message": f"Missing required property `{name}`.",
            "mainKlass": "org.hisp.dhis.organisationunit.OrganisationUnit",
            "errorCode": "E4000",
            "errorProperty": name,
            "errorProperties": [name],
        }
        for name in ("name", "shortName")
        if not each.get(name)
    ]


def _listed(dhis2, _v, kind):
    kept = _store(dhis2, kind)
    if kept is None:
        return message(404, "ERROR", f"No handler found for {kind}")
    filters = [one.split(":", 2) for one in request.args.getlist("filter")]
    found = [each for each in kept.values() if all(_has(each, *one) for one in filters)]
    pager = {"page": 1, "total": len(found), "pageSize": 50, "pageCount": 1}
    return jsonify({"pager": pager, kind: found[:50]})


def _has(each, name, _operator, value):
    members = [
        {"attribute": m["attribute"], "value": m["value"]} for m in each.get("attributes", [])
    ]
    return each.get(name) == value or {"attribute": name, "value": value} in members


def _store(dhis2, kind):
    old = dhis2.old if dhis2.version < 42 else {}
    return dhis2.metadata.get(kind) if kind in dhis2.metadata else old.get(kind)


def _posted(dhis2, _v, kind):
    kept, sent = _store(dhis2, kind), request.get_json()
    if kept is None:
        return message(404, "ERROR", f"No handler found for {kind}")
    if kind in dhis2.old:
        return _old_posted(kept, kind, sent)
    uid = sent.setdefault("id", _made_up())
    errors = _missing(sent)
    if not errors:
        kept[uid] = sent
    return _object_report(kind, uid, errors, 201)


def _object_report(kind, uid, errors, code=200):
    report = {"responseType": "ObjectReport", "klass": _klass(kind), "uid": uid}
    report["errorReports"] = errors
    if errors:
        text = "One or more errors occurred, please see full details in import report."
        return message(409, "WARNING", text, report)
    return message(code, "OK", "", report)


def _old_posted(kept, kind, sent):
    members = sent.get(kind, [sent])
    summaries = [_old_kept(kept, OLD[kind], each) for each in members]
    ignored = sum(each["importCount"]["ignored"] for each in summaries)
    counts = {k: sum(each["importCount"][k] for each in summaries) for k in _old_counts()}
    status = "ERROR" if ignored else "SUCCESS"
    response = {"responseType": "ImportSummaries", "status": status, **counts}
    response |= {"total": len(members), "importSummaries": summaries}
    if ignored:
        text = "An error occurred, please check import summary."
        return message(409, "ERROR", text, response)
    return message(200, "OK", "Import was successful.", response)


def _old_counts():
    return dict.fromkeys(["imported", "updated", "ignored", "deleted"], 0)


def _old_kept(kept, name, each):
    uid = each.setdefault(name, _made_up())
    summary = {"responseType": "ImportSummary", "reference": uid, "conflicts": []}
    wrong = [m for m in each.get("attributes", []) if m["attribute"] not in {NAME, NATIONAL_ID}]
    summary["conflicts"] += [
        {"object": "Attribute.attribute", "value": f"Invalid attribute {m['attribute']}"}
        for m in wrong
    ]
    taken = [m["value"] for m in each.get("attributes", []) if m["attribute"] == NATIONAL_ID]
    for other in kept.values():
        if other[name] != uid and any(_has(other, NATIONAL_ID, "eq", one) for one in taken):
            text = f"Non-unique attribute value '{taken[0]}' for attribute {NATIONAL_ID}"
            summary["conflicts"].append({"object": taken[0], "value": text})
    key = "ignored" if summary["conflicts"] else "updated" if uid in kept else "imported"
    if key != "ignored":
        kept[uid] = each
    status = "ERROR" if key == "ignored" else "SUCCESS"
    return {**summary, "status": status, "importCount": {**_old_counts(), key: 1}}


def _changed(dhis2, _v, kind, uid):
    kept = _store(dhis2, kind)
    if kept is None or uid not in kept:
        return message(404, "ERROR", f"{kind} with id {uid} could not be found.", errorCode="E1005")
    return _METHODS[request.method](dhis2, kept, kind, uid)


def _got(_dhis2, kept, _kind, uid):
    return jsonify(kept[uid])


def _removed(dhis2, kept, kind, uid):
    del kept[uid]
    if kind in dhis2.old:
        counts = {**_old_counts(), "deleted": 1}
        summary = {"status": "SUCCESS", "importCount": counts, "conflicts": []}
        return message(200, "OK", "Import was successful.", summary)
    return _object_report(kind, uid, [])


def _replaced(dhis2, kept, kind, uid):
    sent = {**request.get_json(), OLD.get(kind, "id"): uid}
    if kind in dhis2.old:
        summary = _old_kept(kept, OLD[kind], sent)
        code = 409 if summary["conflicts"] else 200
        return message(code, "ERROR" if code == 409 else "OK", "Import", summary)
    errors = _missing(sent)
    if not errors:
        kept[uid] = sent
    return _object_report(kind, uid, errors)


def _patched(dhis2, kept, kind, uid):
    if (request.mimetype == "application/json-patch+json") != (dhis2.version >= 37):
        return message(415, "ERROR", "Unsupported Media Type")
    sent = request.get_json(force=True)
    if dhis2.version >= 37:
        assert all(each["op"] == "add" for each in sent)
        sent = {each["path"].removeprefix("/"): each["value"] for each in sent}
    kept[uid] = {**kept[uid], **sent}
    return _object_report(kind, uid, [])


_METHODS = {"GET": _got, "DELETE": _removed, "PUT": _replaced, "PATCH": _patched}
