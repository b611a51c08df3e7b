"""Responses of Salesforce: logins, records, collections, queries, and bulk jobs."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from workbench.local.stand_in.routes import Call, Route, as_json, as_xml

_DATA = r"/services/data/v[\d.]+"
_BULK = r"/services/async/[\d.]+/job"
_LOGIN = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>
<serverUrl>{url}services/Soap/u/59.0/00Dxx</serverUrl><sessionId>stand-in</sessionId>
</result></loginResponse></soapenv:Body></soapenv:Envelope>"""


def _log_in(call: Call) -> Response:
    return as_xml(_LOGIN.format(url=call.request.host_url))


def _token(call: Call) -> Response:
    url = call.request.host_url.rstrip("/")
    return as_json({"access_token": "stand-in", "instance_url": url})


def _row(number: int, position: int = 0, *, created: bool = True) -> dict[str, Any]:
    identifier = f"001{number * 1000 + position:012d}AAA"
    return {"id": identifier, "success": True, "errors": [], "created": created}


def _created(call: Call) -> Response:
    return as_json(_row(call.number), 201)


def _upserted(call: Call) -> Response:
    return as_json(_row(call.number), 201)


def _rows_of_records(call: Call) -> Response:
    records = call.object.get("records") or ()
    return as_json([_row(call.number, position) for position in range(len(records))])


def _rows_of_ids(call: Call) -> Response:
    ids = call.request.args.get("ids", "").split(",")
    return as_json([{"id": record_id, "success": True, "errors": []} for record_id in ids])


def _batch(call: Call) -> Response:
    count = len(call.json) if isinstance(call.json, list) else 0
    # No batch is stored: its id says how many records it has.
    return as_json({"id": f"751x{call.number}x{count}", "state": "Queued"}, 201)


def _batch_result(call: Call) -> Response:
    number, count = int(call.values["number"]), int(call.values["count"])
    return as_json([_row(number, position) for position in range(count)])


def _record(call: Call) -> Response:
    return as_json({"attributes": {"type": call.values["kind"]}, "Id": call.values["id"]})


def _description(call: Call) -> Response:
    return as_json({"name": call.values["kind"], "fields": [{"name": "Id"}]})


ROUTES: tuple[Route, ...] = (
    ("POST", r"/services/Soap/u/.*", _log_in),
    ("POST", r"/services/oauth2/token", _token),
    ("GET", rf"{_DATA}/query/?", lambda _: as_json({"totalSize": 0, "done": True, "records": []})),
    ("GET", rf"{_DATA}/sobjects/?", lambda _: as_json({"sobjects": []})),
    ("GET", rf"{_DATA}/sobjects/(?P<kind>\w+)/describe/?", _description),
    ("GET", rf"{_DATA}/sobjects/(?P<kind>\w+)/(?P<id>\w+)/?", _record),
    ("POST", rf"{_DATA}/sobjects/\w+/?", _created),
    ("PATCH", rf"{_DATA}/sobjects/\w+/\w+/.+", _upserted),
    ("PATCH", rf"{_DATA}/sobjects/\w+/\w+", lambda _: Response("", 204)),
    ("DELETE", rf"{_DATA}/sobjects/\w+/\w+", lambda _: Response("", 204)),
    ("POST", rf"{_DATA}/composite/sobjects.*", _rows_of_records),
    ("PATCH", rf"{_DATA}/composite/sobjects.*", _rows_of_records),
    ("DELETE", rf"{_DATA}/composite/sobjects", _rows_of_ids),
    ("POST", _BULK, lambda call: as_json({"id": f"750x{call.number}", "state": "Open"}, 201)),
    ("POST", rf"{_BULK}/\w+", lambda _: as_json({"state": "Closed"})),
    ("POST", rf"{_BULK}/\w+/batch", _batch),
    ("GET", rf"{_BULK}/\w+/batch/(?P<id>\w+)", lambda _: as_json({"state": "Completed"})),
    ("GET", rf"{_BULK}/\w+/batch/751x(?P<number>\d+)x(?P<count>\d+)/result", _batch_result),
)
