"""Responses of DHIS2's Web API: the tracker, data values, and objects of all kinds."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from workbench.local.stand_in.routes import Call, Route, as_json

_API = r"/api(/\d+)?"
_KINDS = {
    "trackedEntities": "trackedEntity",
    "enrollments": "enrollment",
    "events": "event",
    "relationships": "relationship",
}
"""The tracker's lists, and the field with the uid of their objects."""
_COUNTED_AS = {"UPDATE": "updated", "DELETE": "deleted"}


def _import_report(call: Call) -> Response:
    count = _count_objects(call.object)
    strategy = call.request.args.get("importStrategy", "")
    stats = {"created": 0, "updated": 0, "deleted": 0, "ignored": 0, "total": count}
    stats[_COUNTED_AS.get(strategy, "created")] = count
    report: dict[str, list[Any]] = {"errorReports": [], "warningReports": []}
    return as_json({"status": "OK", "validationReport": report, "stats": stats})


def _count_objects(body: Any) -> int:
    """Return the number of tracked entities, enrollments, events and relationships."""
    parts = [part for kind in _KINDS for part in (body or {}).get(kind) or ()]
    return len(parts) + sum(map(_count_objects, parts))


def _data_value_report(call: Call) -> Response:
    count = len(call.object.get("dataValues") or ())
    counts = {"imported": count, "updated": 0, "ignored": 0, "deleted": 0}
    return as_json({"status": "SUCCESS", "importCount": counts, "conflicts": []})


def _object_report(call: Call) -> Response:
    status, text = (201, "Created") if call.request.method == "POST" else (200, "OK")
    uid = call.values.get("uid") or f"Z{call.number:010d}"
    response = {"responseType": "ObjectReport", "uid": uid}
    report = {"httpStatus": text, "httpStatusCode": status, "status": "OK", "response": response}
    return as_json(report, status)


def _object(call: Call) -> Response:
    return as_json({_KINDS.get(call.values["kind"], "id"): call.values["uid"]})


def _list(call: Call) -> Response:
    return as_json({call.values["kind"]: []})


ROUTES: tuple[Route, ...] = (
    ("POST", rf"{_API}/tracker", _import_report),
    ("POST", rf"{_API}/dataValueSets", _data_value_report),
    ("GET", rf"{_API}/system/info", lambda _: as_json({"version": "2.41.0"})),
    ("GET", rf"{_API}/me", lambda _: as_json({"id": "Z0000000000", "username": "placeholder"})),
    ("GET", rf"{_API}/(tracker/)?(?P<kind>\w+)", _list),
    ("GET", rf"{_API}/(tracker/)?(?P<kind>\w+)/(?P<uid>\w+)", _object),
    ("POST", rf"{_API}/\w+", _object_report),
    *(
        (method, rf"{_API}/\w+/(?P<uid>\w+)", _object_report)
        for method in ("PUT", "PATCH", "DELETE")
    ),
)
