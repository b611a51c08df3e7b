"""Responses of ODK Central and of ODK Aggregate."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from werkzeug.wrappers import Response

from workbench.local.stand_in.routes import Call, Route, as_json, as_xml, openrosa_success

LOGIN = {
    "email": "placeholder@example.org",
    "username": "placeholder",
    "password": "secret-placeholder",
}
_FORM = r"/v1/projects/[^/]+/forms/[^/]+"
_INSTANCE_ID = re.compile(rb"instanceID>([^<]+)<")


def _log_in(_call: Call) -> Response:
    expires_at = datetime.now(UTC) + timedelta(days=1)
    return as_json({"token": "stand-in", "expiresAt": expires_at.isoformat(timespec="seconds")})


def _created(call: Call) -> Response:
    match = _INSTANCE_ID.search(call.request.get_data())
    name = match[1].decode("utf-8", "replace") if match else f"uuid:{call.number}"
    created_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return as_json({"instanceId": name, "createdAt": created_at})


def _submission(call: Call) -> Response:
    return as_json({"value": [{"__id": call.values["id"].replace("''", "'")}]})


def _empty_ids(_call: Call) -> Response:
    namespace = "http://opendatakit.org/submissions"
    return as_xml(
        f'<idChunk xmlns="{namespace}"><idList/><resumptionCursor></resumptionCursor></idChunk>'
    )


def _download(call: Call) -> Response:
    match = re.search(r"/([\w.-]+)\[@key=([^\]<>&\"]+)\]", call.request.args.get("formId", ""))
    element, instance_id = match.groups() if match else ("data", "uuid:0")
    form = f'<{element} instanceID="{instance_id}"/>'
    namespace = "http://opendatakit.org/submissions"
    return as_xml(f'<submission xmlns="{namespace}"><data>{form}</data></submission>')


ROUTES: tuple[Route, ...] = (
    ("POST", r"/v1/sessions", _log_in),
    ("GET", r"/v1/projects(/[^/]+/(forms|app-users|assignments))?", lambda _: as_json([])),
    ("GET", rf"{_FORM}\.svc/Submissions\('(?P<id>.+)'\)", _submission),
    ("GET", rf"{_FORM}\.svc/[^/]+", lambda _: as_json({"value": []})),
    ("POST", rf"{_FORM}/submissions", _created),
    ("GET", rf"{_FORM}/submissions/[^/]+\.xml", lambda _: as_xml("<data/>")),
    ("GET", r"/view/submissionList", _empty_ids),
    ("GET", r"/view/downloadSubmission", _download),
    ("POST", r"/submission", lambda _: openrosa_success()),
)
