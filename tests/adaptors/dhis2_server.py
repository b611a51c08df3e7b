"""A fake DHIS2 of a chosen version that stores objects and responds as the real one does.

The responses of each version follow the source of DHIS2 2.36 to 2.43: the shapes of import
summaries, the default of `async`, the meaning of a soft deletion, and the old tracker, which 2.42
removed.
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

from tests.support.wsgi_server import WsgiServer, serve, status

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
class Database:
    """The stored objects: tracker, old tracker, aggregate data and metadata."""

    version: int
    tracker: dict = field(default_factory=lambda: {kind: {} for kind in TYPES})
    attributes: set = field(default_factory=lambda: {NAME, NATIONAL_ID})
    deleted: set = field(default_factory=set)
    old: dict = field(default_factory=lambda: {kind: {} for kind in OLD})
    values: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=lambda: {"organisationUnits": {}, "dataElements": {}})
    jobs: list = field(default_factory=list)

    def reset(self, version):
        """Delete everything, and change to this version."""
        self.__init__(version)

    def everything(self):
        """Return all stored objects, to see whether anything changed."""
        return [self.tracker, self.old, self.values, self.metadata]


@dataclass
class Site:
    """A served DHIS2: its database, and the requests it received."""

    database: Database
    served: WsgiServer

    def reset(self, version=40):
        """Delete everything, and change to this version."""
        self.database.reset(version)
        self.served.received.clear()
        self.served.failures.clear()

    def state(self, data=None, **configuration):
        """Return the state of a job with a credential for this DHIS2."""
        credential = {"hostUrl": self.served.url, "username": USER, "password": PASSWORD}
        return {"configuration": {**credential, **configuration}, "data": data, "references": []}

    def respond_with(self, body, code=200, **headers):
        """Respond to the next request with this JSON."""
        headers = {"Content-Type": "application/json", **headers}
        self.served.failures.append(status(code, json.dumps(body).encode(), **headers))

    @property
    def requested(self):
        """Return the received requests as methods and paths."""
        return [f"{request.method} {request.path}" for request in self.served.received]

    @property
    def only(self):
        """Return the only received request."""
        (received,) = self.served.received
        return received


@contextmanager
def running():
    """Serve a DHIS2 on loopback."""
    database = Database(40)
    with serve(application(database)) as server:
        yield Site(database, server)


def application(dhis2):
    """Return the WSGI application of a DHIS2."""
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    app.register_error_handler(HTTPException, _http_error)
    app.before_request(_authorize)
    routes = [
        ("tracker", ["POST"], _import_tracker),
        ("tracker/<kind>", ["GET"], _export_tracker),
        ("tracker/<kind>/<uid>", ["GET"], _get_tracked),
        ("dataValueSets", ["POST"], _import_values),
        ("metadata", ["POST"], _import_metadata),
        ("<kind>", ["GET"], _list),
        ("<kind>", ["POST"], _post),
        ("<kind>/<uid>", ["GET", "PUT", "PATCH", "DELETE"], _change),
    ]
    for path, methods, view in routes:
        for prefix in ("/api/", "/api/<int:v>/"):
            name = f"{prefix}{path}{methods}"
            app.add_url_rule(prefix + path, name, _bind(view, dhis2), methods=methods)
    return app


def _bind(view, dhis2):
    def handle(v=None, **arguments):
        if v is not None and not 28 <= v <= dhis2.version:
            return message(404, "ERROR", "API version is not supported")
        return view(dhis2, v or dhis2.version, **arguments)

    return handle


def message(code, status, text, response=None, **fields):
    """Respond with the envelope of a WebMessage."""
    reasons = {200: "OK", 201: "Created", 401: "Unauthorized", 404: "Not Found", 409: "Conflict"}
    body = {"httpStatus": reasons.get(code, "Bad Request"), "httpStatusCode": code}
    body |= {"status": status, "message": text, **fields}
    return jsonify(body | ({"response": response} if response else {})), code


def _http_error(error):
    return message(error.code, "ERROR", error.name)


def _authorize():
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") in {f"Basic {pair}", f"ApiToken {TOKEN}"}:
        return None
    if "X-Requested-With" not in request.headers:
        return Response("", 302, {"Location": "/dhis-web-commons/security/login.action"})
    return message(401, "ERROR", "Unauthorized")


# The tracker


def _import_tracker(dhis2, _v):
    payload, strategy = request.get_json(), request.args.get("importStrategy", "CREATE").upper()
    is_synchronous = request.args.get("async", "true").lower() == "false"
    report = _import(dhis2, payload, strategy, request.args.get("atomicMode", "ALL"))
    if is_synchronous:
        return jsonify(report), 409 if report["status"] == "ERROR" else 200
    job = _new_uid()
    dhis2.jobs.append((job, report))
    response = {"id": job, "location": f"{request.host_url}api/tracker/jobs/{job}"}
    return message(200, "OK", "Tracker job added", response)


def _import(dhis2, payload, strategy, atomic):
    flat = list(_flatten(payload, None))
    errors, warnings, failed = [], [], set()
    for kind, item in flat:
        errors_of_item, warnings_of_item = _validate(dhis2, kind, item, strategy, flat)
        errors += errors_of_item
        warnings += warnings_of_item
        failed |= {id(item)} if errors_of_item else set()
    counts = {kind: _stats() for kind in TYPES}
    reports = {kind: [] for kind in TYPES}
    if not errors or atomic == "OBJECT":
        for kind, item in flat:
            if id(item) not in failed:
                counts[kind][_persist(dhis2, kind, item, strategy)] += 1
                reports[kind].append({"uid": item[TYPES[kind][0]], "errorReports": []})
    stats = {key: sum(count[key] for count in counts.values()) for key in _stats()}
    stats["ignored"] += len(flat) if errors and atomic == "ALL" else len(failed)
    with_warnings = request.args.get("reportMode", "ERRORS") != "ERRORS"
    return {
        "status": "ERROR" if errors else "WARNING" if warnings else "OK",
        "validationReport": {
            "errorReports": errors,
            "warningReports": warnings if with_warnings else [],
        },
        "stats": stats | {"total": len(flat)},
        "bundleReport": {"typeReportMap": _type_reports(counts, reports)},
    }


def _stats():
    return dict.fromkeys(["created", "updated", "deleted", "ignored"], 0)


def _type_reports(counts, reports):
    return {
        TYPES[kind][1]: {
            "trackerType": TYPES[kind][1],
            "stats": {**counts[kind], "total": sum(counts[kind].values())},
            "objectReports": reports[kind],
        }
        for kind in TYPES
    }


def _flatten(part, parent):
    for kind in TYPES:
        for item in part.get(kind) or []:
            item.setdefault(TYPES[kind][0], _new_uid())
            if parent and kind != "relationships":
                item.setdefault(*parent)
            yield kind, item
            yield from _flatten(item, (TYPES[kind][0], item[TYPES[kind][0]]))


def _validate(dhis2, kind, item, strategy, flat):
    name, type_, exists_code, missing_code, deleted_code = TYPES[kind]
    uid, exists = item[name], item[name] in dhis2.tracker[kind]
    errors, warnings = [], []

    def add(code, text, key="errorCode", into=errors):
        into.append({"message": text, key: code, "trackerType": type_, "uid": uid})

    if not re.fullmatch("[a-zA-Z][a-zA-Z0-9]{10}", uid):
        add("E1048", f"Object: `{type_}`, uid: `{uid}`, has an invalid uid format.")
    elif uid in dhis2.deleted:
        add(deleted_code, f"{name}: `{uid}`, is already deleted and can't be modified.")
    elif exists and strategy == "CREATE":
        add(exists_code, f"{name}: `{uid}`, already exists.")
    elif not exists and strategy in {"UPDATE", "DELETE"}:
        add(missing_code, f"{name}: `{uid}`, does not exist.")
    elif exists and kind == "relationships" and strategy != "DELETE":
        add("E4015", f"Relationship: `{uid}`, already exists.", "warningCode", warnings)
    elif strategy != "DELETE":
        for code, text in _RULES[kind](dhis2, item, flat):
            add(code, text)
    return errors, warnings


def _entity_rules(dhis2, entity, _flat):
    if entity.get("orgUnit") == FORBIDDEN:
        yield "E1000", f"User: `xE7jOejl9FI`, has no write access to: `{FORBIDDEN}`."
    if entity.get("trackedEntityType") != PERSON:
        yield "E1005", f"Could not find TrackedEntityType: `{entity.get('trackedEntityType')}`."
    for member in entity.get("attributes") or []:
        if member["attribute"] not in dhis2.attributes:
            yield "E1006", f"Attribute: `{member['attribute']}`, does not exist."
        elif member["attribute"] == NATIONAL_ID and _is_duplicate(dhis2, entity, member["value"]):
            text = f"Non-unique attribute value `{member['value']}` for attribute `{NATIONAL_ID}`"
            yield "E1064", text


def _is_duplicate(dhis2, entity, value):
    entities = dhis2.tracker["trackedEntities"].values()
    return value is not None and any(
        {"attribute": NATIONAL_ID, "value": value} in other.get("attributes", [])
        for other in entities
        if other["trackedEntity"] != entity["trackedEntity"]
    )


def _enrollment_rules(dhis2, enrollment, flat):
    if not _exists(dhis2, "trackedEntities", enrollment.get("trackedEntity"), flat):
        yield "E1068", f"Could not find TrackedEntity: `{enrollment.get('trackedEntity')}`."
    if enrollment.get("program") != PROGRAM:
        yield "E1069", f"Could not find Program: `{enrollment.get('program')}`."


def _event_rules(dhis2, event, flat):
    if not event.get("occurredAt"):
        yield "E1031", "Event OccurredAt date is missing."
    if event.get("enrollment") and not _exists(dhis2, "enrollments", event["enrollment"], flat):
        yield "E1081", f"Enrollment: `{event['enrollment']}`, do not exist."


def _relationship_rules(dhis2, relationship, flat):
    for side in ("from", "to"):
        uid = relationship[side]["trackedEntity"]["trackedEntity"]
        if not _exists(dhis2, "trackedEntities", uid, flat):
            yield "E4012", f"Could not find `trackedEntity`: `{uid}`, linked to Relationship."


_RULES = {
    "trackedEntities": _entity_rules,
    "enrollments": _enrollment_rules,
    "events": _event_rules,
    "relationships": _relationship_rules,
}


def _exists(dhis2, kind, uid, flat):
    payload_uids = {item[TYPES[kind][0]] for name, item in flat if name == kind}
    return uid in dhis2.tracker[kind] or uid in payload_uids


def _persist(dhis2, kind, item, strategy):
    stored, uid = dhis2.tracker[kind], item[TYPES[kind][0]]
    if strategy == "DELETE":
        _delete(dhis2, kind, uid)
        return "deleted"
    if uid not in stored:
        stored[uid] = {key: value for key, value in item.items() if key not in TYPES}
        return "created"
    if kind == "relationships":
        return "ignored"
    new = {key: value for key, value in item.items() if key not in TYPES}
    for key, name in MEMBERS.items():
        members = {member[name]: member for member in stored[uid].get(key, []) + new.get(key, [])}
        if members:
            new[key] = [member for member in members.values() if member["value"] is not None]
    stored[uid] = new
    return "updated"


def _delete(dhis2, kind, uid):
    dhis2.tracker[kind].pop(uid)
    dhis2.deleted.add(uid)
    for inner in TYPES:
        for inner_uid, item in list(dhis2.tracker[inner].items()):
            if inner != kind and item.get(TYPES[kind][0]) == uid:
                _delete(dhis2, inner, inner_uid)


def _export_tracker(dhis2, _v, kind):
    objects = [item for item in reversed(dhis2.tracker[kind].values()) if _matches_query(item)]
    page, size = int(request.args.get("page", 1)), int(request.args.get("pageSize", 50))
    shown = objects[(page - 1) * size : page * size]
    pager = {"page": page, "pageSize": size}
    if dhis2.version <= 40:
        return jsonify({**pager, "instances": shown})
    if dhis2.version == 41:
        return jsonify({"pager": pager, **pager, "instances": shown, kind: shown})
    return jsonify({"pager": pager, kind: shown})


def _matches_query(item):
    names = ("program", "orgUnit", "orgUnits")
    fields = {name: request.args[name] for name in names if name in request.args}
    filters = [text.split(":", 2) for text in request.args.getlist("filter")]
    members = [(member["attribute"], member["value"]) for member in item.get("attributes", [])]
    return all(item.get(name.removesuffix("s")) == value for name, value in fields.items()) and all(
        (name, value) in members for name, _, value in filters
    )


def _get_tracked(dhis2, _v, kind, uid):
    if uid not in dhis2.tracker[kind]:
        return message(404, "ERROR", f"{kind} with id {uid} could not be found.")
    return jsonify({**dhis2.tracker[kind][uid], "createdBy": {"username": USER}})


def _new_uid():
    letters = string.ascii_letters
    return secrets.choice(letters) + "".join(secrets.choice(letters + "0123") for _ in range(10))


# Aggregate data


def _import_values(dhis2, v):
    if request.mimetype != "application/json":
        return message(415, "ERROR", "Unsupported Media Type")
    if request.args.get("async") == "true":
        job = {"id": _new_uid(), "jobType": "DATAVALUE_IMPORT", "name": "dataValueImport"}
        return message(200, "OK", "Initiated DATAVALUE_IMPORT", job)
    value_set = request.get_json()
    counts = dict.fromkeys(["imported", "updated", "ignored", "deleted"], 0)
    conflicts = []
    if value_set.get("orgUnit") == FORBIDDEN:
        conflicts.append(_conflict("E7612", "orgUnit", FORBIDDEN, None, v))
    for index, value in enumerate(value_set["dataValues"]):
        if value["dataElement"] not in {MEASLES, DYSENTERY}:
            conflicts.append(_conflict("E7610", "dataElement", value["dataElement"], index, v))
        counts[_store_value(dhis2, value_set, value)] += 1
    status = "WARNING" if conflicts else "SUCCESS"
    status = "ERROR" if conflicts and counts["ignored"] == len(value_set["dataValues"]) else status
    summary = {"responseType": "ImportSummary", "status": status, "importCount": counts}
    summary |= {"conflicts": conflicts, "dataSetComplete": "false"}
    if v >= 37:
        summary["rejectedIndexes"] = [
            index for conflict in conflicts for index in conflict["indexes"]
        ]
    return _respond_with_summary(dhis2, v, summary)


def _conflict(code, key, uid, index, v):
    text = f"{key} not found or not accessible: `{uid}`"
    if v < 37:
        return {"object": uid, "value": text}
    position = {"indexes": [] if index is None else [index], "property": key, "errorCode": code}
    return {"object": uid, "objects": {key: uid}, "value": text, **position}


def _store_value(dhis2, value_set, value):
    period, unit = (value.get(name, value_set.get(name)) for name in ("period", "orgUnit"))
    key = (value["dataElement"], period, unit)
    if value["dataElement"] not in {MEASLES, DYSENTERY} or key[2] == FORBIDDEN:
        return "ignored"
    old, new = dhis2.values.get(key), str(value["value"])
    dhis2.values[key] = new
    return "imported" if old is None else "updated" if old != new else "ignored"


def _respond_with_summary(dhis2, v, summary):
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


def _import_metadata(dhis2, v):
    counts, types = _stats(), []
    for kind, objects in request.get_json().items():
        reports = []
        for index, item in enumerate(objects):
            errors = _missing_fields(item)
            reports.append({"klass": _klass(kind), "index": index, "errorReports": errors})
            counts["ignored" if errors else "created"] += 1
            if not errors:
                dhis2.metadata[kind][item.setdefault("id", _new_uid())] = item
        types.append({"klass": _klass(kind), "objectReports": reports})
    success = not counts["ignored"]
    report = {"status": "OK" if success else "ERROR", "stats": counts, "typeReports": types}
    if v < 38:
        return jsonify(report)
    text = (
        "" if success else "One or more errors occurred, please see full details in import report."
    )
    report["responseType"] = "ImportReport"
    return message(200 if success else 409, "OK" if success else "WARNING", text, report)


def _klass(kind):
    name = kind[0].upper() + kind[1:-1]
    return f"org.hisp.dhis.{name.lower()}.{name}"


def _missing_fields(item):
    return [
        {
            "message": f"Missing required property `{name}`.",
            "mainKlass": "org.hisp.dhis.organisationunit.OrganisationUnit",
            "errorCode": "E4000",
            "errorProperty": name,
            "errorProperties": [name],
        }
        for name in ("name", "shortName")
        if not item.get(name)
    ]


def _list(dhis2, _v, kind):
    stored = _objects_of(dhis2, kind)
    if stored is None:
        return message(404, "ERROR", f"No handler found for {kind}")
    filters = [text.split(":", 2) for text in request.args.getlist("filter")]
    objects = [
        item
        for item in stored.values()
        if all(_has(item, name, value) for name, _operator, value in filters)
    ]
    if request.args.get("paging") == "false":
        return jsonify({kind: objects})
    page, size = int(request.args.get("page", 1)), int(request.args.get("pageSize", 50))
    pager = {"page": page, "total": len(objects), "pageSize": size}
    pager["pageCount"] = max(1, -(-len(objects) // size))
    return jsonify({"pager": pager, kind: objects[(page - 1) * size : page * size]})


def _has(item, name, value):
    members = [(member["attribute"], member["value"]) for member in item.get("attributes", [])]
    return item.get(name) == value or (name, value) in members


def _objects_of(dhis2, kind):
    old = dhis2.old if dhis2.version < 42 else {}
    return dhis2.metadata.get(kind) if kind in dhis2.metadata else old.get(kind)


def _post(dhis2, _v, kind):
    stored, item = _objects_of(dhis2, kind), request.get_json()
    if stored is None:
        return message(404, "ERROR", f"No handler found for {kind}")
    if kind in dhis2.old:
        return _post_to_old_tracker(stored, kind, item)
    uid = item.setdefault("id", _new_uid())
    errors = _missing_fields(item)
    if not errors:
        stored[uid] = item
    return _object_report(kind, uid, errors, 201)


def _object_report(kind, uid, errors, code=200):
    report = {"responseType": "ObjectReport", "klass": _klass(kind), "uid": uid}
    report["errorReports"] = errors
    if errors:
        text = "One or more errors occurred, please see full details in import report."
        return message(409, "WARNING", text, report)
    return message(code, "OK", "", report)


def _post_to_old_tracker(stored, kind, body):
    objects = body.get(kind, [body])
    summaries = [_store_in_old_tracker(stored, OLD[kind], item) for item in objects]
    counts = {
        name: sum(summary["importCount"][name] for summary in summaries) for name in _old_counts()
    }
    ignored = counts["ignored"]
    status = "ERROR" if ignored else "SUCCESS"
    response = {"responseType": "ImportSummaries", "status": status, **counts}
    response |= {"total": len(objects), "importSummaries": summaries}
    if ignored:
        text = "An error occurred, please check import summary."
        return message(409, "ERROR", text, response)
    return message(200, "OK", "Import was successful.", response)


def _old_counts():
    return dict.fromkeys(["imported", "updated", "ignored", "deleted"], 0)


def _store_in_old_tracker(stored, name, item):
    uid = item.setdefault(name, _new_uid())
    attributes = item.get("attributes", [])
    summary = {"responseType": "ImportSummary", "reference": uid, "conflicts": []}
    summary["conflicts"] += [
        {"object": "Attribute.attribute", "value": f"Invalid attribute {member['attribute']}"}
        for member in attributes
        if member["attribute"] not in {NAME, NATIONAL_ID}
    ]
    national_ids = [member["value"] for member in attributes if member["attribute"] == NATIONAL_ID]
    for other in stored.values():
        if other[name] != uid and any(_has(other, NATIONAL_ID, value) for value in national_ids):
            text = f"Non-unique attribute value '{national_ids[0]}' for attribute {NATIONAL_ID}"
            summary["conflicts"].append({"object": national_ids[0], "value": text})
    key = "ignored" if summary["conflicts"] else "updated" if uid in stored else "imported"
    if key != "ignored":
        stored[uid] = item
    status = "ERROR" if key == "ignored" else "SUCCESS"
    return {**summary, "status": status, "importCount": {**_old_counts(), key: 1}}


def _change(dhis2, _v, kind, uid):
    stored = _objects_of(dhis2, kind)
    if stored is None or uid not in stored:
        return message(404, "ERROR", f"{kind} with id {uid} could not be found.", errorCode="E1005")
    return _METHODS[request.method](dhis2, stored, kind, uid)


def _get(_dhis2, stored, _kind, uid):
    return jsonify(stored[uid])


def _remove(dhis2, stored, kind, uid):
    del stored[uid]
    if kind in dhis2.old:
        counts = {**_old_counts(), "deleted": 1}
        summary = {"status": "SUCCESS", "importCount": counts, "conflicts": []}
        return message(200, "OK", "Import was successful.", summary)
    return _object_report(kind, uid, [])


def _replace(dhis2, stored, kind, uid):
    item = {**request.get_json(), OLD.get(kind, "id"): uid}
    if kind in dhis2.old:
        summary = _store_in_old_tracker(stored, OLD[kind], item)
        code = 409 if summary["conflicts"] else 200
        return message(code, "ERROR" if code == 409 else "OK", "Import", summary)
    errors = _missing_fields(item)
    if not errors:
        stored[uid] = item
    return _object_report(kind, uid, errors)


def _patch(dhis2, stored, kind, uid):
    if (request.mimetype == "application/json-patch+json") != (dhis2.version >= 37):
        return message(415, "ERROR", "Unsupported Media Type")
    changes = request.get_json(force=True)
    if dhis2.version >= 37:
        assert all(step["op"] == "add" for step in changes)
        changes = {step["path"].removeprefix("/"): step["value"] for step in changes}
    stored[uid] = {**stored[uid], **changes}
    return _object_report(kind, uid, [])


_METHODS = {"GET": _get, "DELETE": _remove, "PUT": _replace, "PATCH": _patch}
