"""The responses of the built-in destination, in the language of the system that a job expects.

They follow what DHIS2, Salesforce, CommCare and KoboToolbox document. The destination stores
nothing: a list is empty, and everything that is sent is accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Request, Response

_SALESFORCE = r"/services/data/v[\d.]+"
_ACCEPTED = '<message nature="submit_success">Form received</message>'
_OPENROSA = f'<OpenRosaResponse xmlns="http://openrosa.org/http/response">{_ACCEPTED}'


def respond(request: Request, number: int) -> Response:
    """Return the response to a request; `number` counts the requests and serves as an id."""
    for method, pattern, body_of in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if method == request.method and match:
            body = body_of(_json_of(request), {**match.groupdict(), "number": number})
            if isinstance(body, str):
                return Response(body, HTTPStatus.CREATED, content_type="text/xml")
            code = HTTPStatus.CREATED if body_of is _saved else HTTPStatus.OK
            return Response(json.dumps(body), code, content_type="application/json")
    content = json.dumps({"id": number})
    return Response(content, HTTPStatus.CREATED, content_type="application/json")


def _json_of(request: Request) -> Any:
    return request.get_json(force=True, silent=True)


def _tracker_report(body: Any, _values: Mapping[str, Any]) -> Any:
    created = _count_objects(body)
    stats = {"created": created, "updated": 0, "deleted": 0, "ignored": 0, "total": created}
    report: dict[str, list[Any]] = {"errorReports": [], "warningReports": []}
    return {"status": "OK", "validationReport": report, "stats": stats}


def _count_objects(body: Any) -> int:
    """Return the number of tracked entities, enrollments, events and relationships."""
    kinds = ("trackedEntities", "enrollments", "events", "relationships")
    parts = [part for kind in kinds for part in (body or {}).get(kind) or ()]
    return len(parts) + sum(map(_count_objects, parts))


def _data_value_report(body: Any, _values: Mapping[str, Any]) -> Any:
    count = len((body or {}).get("dataValues") or ())
    counts = {"imported": count, "updated": 0, "ignored": 0, "deleted": 0}
    return {"status": "SUCCESS", "importCount": counts, "conflicts": []}


def _saved(_body: Any, values: Mapping[str, Any]) -> Any:
    identifier = f"001{values['number']:012d}AAA"
    return {"id": identifier, "success": True, "errors": [], "created": True}


def _all_saved(body: Any, values: Mapping[str, Any]) -> Any:
    count, number = len((body or {}).get("records") or ()), values["number"]
    return [_saved(None, {"number": number * 1000 + position}) for position in range(count)]


def _case(body: Any, values: Mapping[str, Any]) -> Any:
    cases = body if isinstance(body, list) else [body or {}]
    saved = [
        {**case, "case_id": case.get("case_id") or f"case-{values['number']}-{position}"}
        for position, case in enumerate(cases)
    ]
    form = {"form_id": f"form-{values['number']}"}
    return {**form, "cases": saved} if isinstance(body, list) else {**form, "case": saved[0]}


def _empty(name: str, **fields: Any) -> Callable[[Any, Mapping[str, Any]], Any]:
    return lambda _body, values: {**fields, name.format_map(values): []}


_Route = tuple[str, str, Callable[[Any, Mapping[str, Any]], Any]]
_ROUTES: tuple[_Route, ...] = (
    ("POST", r"/api/(\d+/)?tracker", _tracker_report),
    ("POST", r"/api/(\d+/)?dataValueSets", _data_value_report),
    ("GET", r"/api/v2/.*", _empty("results", count=0, next=None, previous=None)),
    ("GET", r"/api/(\d+/)?(tracker/)?(?P<kind>\w+)", _empty("{kind}")),
    ("GET", rf"{_SALESFORCE}/query/?", _empty("records", totalSize=0, done=True)),
    ("POST", rf"{_SALESFORCE}/sobjects/\w+/?", _saved),
    ("PATCH", rf"{_SALESFORCE}/sobjects/\w+/\w+/.+", _saved),
    ("POST", rf"{_SALESFORCE}/composite/sobjects.*", _all_saved),
    ("PATCH", rf"{_SALESFORCE}/composite/sobjects.*", _all_saved),
    ("POST", r"/a/[^/]+/receiver/.*", lambda *_: f"{_OPENROSA}</OpenRosaResponse>"),
    ("GET", r"/a/[^/]+/api/case/v2/?", _empty("cases", matching_records=0)),
    ("POST", r"/a/[^/]+/api/case/v2/?", _case),
    ("PUT", r"/a/[^/]+/api/case/v2/.*", _case),
)
