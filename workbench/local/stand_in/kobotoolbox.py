"""Responses of KoboToolbox: forms without submissions, and changes of submissions."""

from __future__ import annotations

from werkzeug.wrappers import Response

from workbench.local.stand_in.routes import Call, Route, as_json

_API = r"/api/v\d+"


def _list(_call: Call) -> Response:
    return as_json({"count": 0, "next": None, "previous": None, "results": []})


def _changed(call: Call) -> Response:
    ids = (call.object.get("payload") or {}).get("submission_ids") or ()
    results = [{"uuid": f"stand-in-{number}", "status_code": 201} for number in ids]
    count = len(results)
    return as_json({"count": count, "successes": count, "failures": 0, "results": results})


def _deployment(_call: Call) -> Response:
    return as_json({"backend": "openrosa", "active": True, "version_id": "stand-in"})


ROUTES: tuple[Route, ...] = (
    ("GET", rf"{_API}/assets/[^/]+/deployment/", _deployment),
    ("PATCH", rf"{_API}/assets/[^/]+/data/bulk/", _changed),
    ("GET", rf"{_API}/assets/(?P<uid>[^/]+)/", lambda call: as_json({**call.values})),
    ("GET", rf"{_API}/.*", _list),
    ("DELETE", rf"{_API}/.*", lambda _: Response("", 204)),
)
