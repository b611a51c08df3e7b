"""Responses of CommCare HQ: forms, lists, reports, cases, and the importer of Excel files."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from workbench.local.stand_in.routes import Call, Route, as_json, openrosa_success

_PROJECT = r"/a/[^/]+"
LOGIN = {"appId": "placeholder"}


def _list(_call: Call) -> Response:
    meta = {"limit": 20, "next": None, "offset": 0, "total_count": 0}
    return as_json({"meta": meta, "objects": []})


def _report(_call: Call) -> Response:
    return as_json({"columns": [], "data": [], "next_page": "", "total_records": 0})


def _saved_cases(call: Call) -> Response:
    body: Any = call.json
    cases = body if isinstance(body, list) else [body or {}]
    saved = [
        {**case, "case_id": case.get("case_id") or f"case-{call.number}-{position}"}
        for position, case in enumerate(cases)
    ]
    form = {"form_id": f"form-{call.number}"}
    return as_json(
        {**form, "cases": saved} if isinstance(body, list) else {**form, "case": saved[0]}
    )


def _import(call: Call) -> Response:
    status_url = f"{call.request.url.partition('bulk_upload_api')[0]}status/{call.number}/"
    return as_json({"code": 200, "message": "success", "status_url": status_url})


def _import_status(_call: Call) -> Response:
    result = {"match_count": 0, "created_count": 0, "num_chunks": 1, "errors": []}
    return as_json({"state": 2, "progress": {"percent": 100}, "result": result})


ROUTES: tuple[Route, ...] = (
    ("POST", rf"{_PROJECT}/receiver/.*", lambda _: openrosa_success()),
    ("GET", rf"{_PROJECT}/api/v[\d.]+/configurablereportdata/[^/]+/", _report),
    ("GET", rf"{_PROJECT}/api/v[\d.]+/\w+/", _list),
    ("GET", rf"{_PROJECT}/api/v[\d.]+/\w+/(?P<id>[^/]+)/", lambda call: as_json({**call.values})),
    (
        "GET",
        rf"{_PROJECT}/api/case/v2/?",
        lambda _: as_json({"matching_records": 0, "cases": []}),
    ),
    ("POST", rf"{_PROJECT}/api/case/v2/?", _saved_cases),
    ("PUT", rf"{_PROJECT}/api/case/v2/.*", _saved_cases),
    ("POST", rf"{_PROJECT}/importer/excel/bulk_upload_api/", _import),
    ("GET", rf"{_PROJECT}/importer/excel/status/\d+/", _import_status),
)
