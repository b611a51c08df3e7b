"""ODK Aggregate: list, download and create submissions, as ODK Briefcase does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from urllib3 import encode_multipart_formdata

from adaptors._http.client import Client, send
from adaptors._http.pagination import MAX_PAGES, fetch_pages
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, raise_for_status, unexpected_content
from adaptors._http.xml_response import xml_body
from adaptors._openrosa import protocol
from adaptors.credentials import read_credential
from adaptors.odk.credential import Configuration, aggregate_client
from adaptors.odk.submissions import form_xml
from adaptors.operations import State, next_state, operation

_OPENROSA = {"X-OpenRosa-Version": "1.0"}  # without it the response is a web page


@dataclass(frozen=True, slots=True)
class _IdPage:
    """A page of instance ids, and the cursor that leads to the next page."""

    response: Response
    ids: list[str]
    cursor: str


@operation
def aggregate_submission_ids(
    state: State,
    form_id: str,
    *,
    page_size: int = 1000,
    max_pages: int = MAX_PAGES,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch the instance ids of all submissions to a form, oldest first; `data` is the list.

    >>> operate = aggregate_submission_ids("Attendance")
    """
    client = aggregate_client(read_credential(Configuration, state))

    def next_request(request: Request, page: _IdPage) -> Request | None:
        query = dict(request.query or {})
        if not page.ids or page.cursor in {"", query.get("cursor")}:
            return None
        return replace(request, query={**query, "cursor": page.cursor})

    first_request = _ids_request(form_id, "", page_size, timeout)
    ids: list[str] = []
    for page in fetch_pages(
        lambda request: _fetch_ids(client, request), first_request, next_request, max_pages
    ):
        ids += page.ids
    return next_state(state, ids, page.response.as_dict())


@operation
def aggregate_submission(
    state: State,
    form_id: str,
    instance_id: str,
    *,
    element: str = "data",
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch one submission; `data` becomes a dict of its XML, with its files as `mediaFile`.

    `element` is the root element of the form, mostly `data`. A repeat with one entry is a dict, one
    with more is a list.

    >>> operate = aggregate_submission("Attendance_v2", "uuid:27b7418c-b4cf-4a82-8f77-e515dcb2265f")
    """
    client = aggregate_client(read_credential(Configuration, state))
    response, submission = _fetch_submission(client, form_id, instance_id, element, timeout)
    return next_state(state, submission, response.as_dict())


@operation
def aggregate_new_submissions(
    state: State,
    form_id: str,
    *,
    element: str = "data",
    limit: int = 100,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch a form's submissions since this cron job last succeeded; `data` becomes their list.

    A run fetches at most `limit` submissions, each with a request of its own; the next run
    continues after them. The server's cursor is stored as `pulled` in the state.

    >>> from adaptors.common import each, emit
    >>> operations = [aggregate_new_submissions("Attendance"), each("[*]", emit("odk-records"))]
    """
    client = aggregate_client(read_credential(Configuration, state))
    pulled = state.get("pulled", {})
    cursor = pulled.get(form_id, "")
    page = _fetch_ids(client, _ids_request(form_id, cursor, limit, timeout))
    submissions = [
        _fetch_submission(client, form_id, instance_id, element, timeout)[1]
        for instance_id in page.ids
    ]
    after = next_state(state, submissions, page.response.as_dict())
    return {**after, "pulled": {**pulled, form_id: page.cursor or cursor}}


@operation
def aggregate_submit(
    state: State, form_id: str, data: Mapping[str, Any] | str, *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Create a submission to a form; `data` becomes `{instanceID, message}`.

    The submission is XML, or a dict as for `create_submission`. Aggregate stores a submission with
    the same instanceID only once.

    >>> operate = aggregate_submit("Attendance", {"name": "Amina", "visit": [{"n": 1}, {"n": 2}]})
    """
    xml = form_xml(form_id, data)
    instance_id = protocol.instance_id(xml)
    file = ("submission.xml", protocol.encode(xml), "text/xml")
    body, content_type = encode_multipart_formdata({"xml_submission_file": file})
    request = Request(
        "POST",
        "submission",
        headers=_OPENROSA,
        body=body,
        content_type=content_type,
        timeout=timeout,
        dry_run_response=protocol.DRY_RUN_RESPONSE,
    )
    client = aggregate_client(read_credential(Configuration, state))
    response = raise_for_status(send(client, request))
    message = protocol.message(response)
    if message is None or response.status not in {200, 201}:
        raise unexpected_content(response, "OpenRosa response")
    result = {"instanceID": instance_id, "message": message[1]}
    return next_state(state, result, response.as_dict())


def _ids_request(form_id: str, cursor: str, page_size: int, timeout: float) -> Request:
    query = {"formId": form_id, "numEntries": page_size, **({"cursor": cursor} if cursor else {})}
    return Request(
        "GET",
        "view/submissionList",
        query,
        _OPENROSA,
        timeout=timeout,
        dry_run_response="<idChunk><idList/></idChunk>",
    )


def _fetch_ids(client: Client, request: Request) -> _IdPage:
    response = send(client, request)
    chunk = xml_body(response).get("idChunk")
    if not isinstance(chunk, dict):
        raise unexpected_content(response, "list")
    ids = (chunk.get("idList") or {}).get("id") or []
    cursor = str(chunk.get("resumptionCursor") or "")
    return _IdPage(response, ids if isinstance(ids, list) else [ids], cursor)


def _fetch_submission(
    client: Client, form_id: str, instance_id: str, element: str, timeout: float
) -> tuple[Response, dict[str, Any]]:
    key = f"{form_id}[@version=null and @uiVersion=null]/{element}[@key={instance_id}]"
    empty_form = f"<data instanceID={instance_id!r}/>"
    request = Request(
        "GET",
        "view/downloadSubmission",
        {"formId": key},
        _OPENROSA,
        timeout=timeout,
        dry_run_response=f"<submission><data>{empty_form}</data></submission>",
    )
    response = send(client, request)
    submission = xml_body(response).get("submission")
    fields = submission if isinstance(submission, dict) else {}
    forms = fields.get("data")
    form = next(filter(_is_dict, forms.values()), None) if isinstance(forms, dict) else None
    if form is None:
        raise unexpected_content(response, "submission")
    media = fields.get("mediaFile")
    files = media if isinstance(media, list) else [media] if media else []
    return response, {**form, **({"mediaFile": files} if files else {})}


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)
