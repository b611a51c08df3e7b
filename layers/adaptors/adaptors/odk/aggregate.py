"""ODK Aggregate: submissions listed, downloaded and submitted as ODK Briefcase does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from urllib3 import encode_multipart_formdata

from adaptors._http.client import Client, send
from adaptors._http.pagination import MAX_PAGES
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, raise_for_status, unexpected_content
from adaptors._http.xml_response import xml_body
from adaptors._openrosa import protocol
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError
from adaptors.odk.credential import Configuration, aggregate
from adaptors.odk.submissions import instance
from adaptors.operations import State, next_state, operation

_OPENROSA = {"X-OpenRosa-Version": "1.0"}  # without it the answer is a page


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
    there = aggregate(read_credential(Configuration, state))
    found: list[str] = []
    cursor = ""
    for _ in range(max_pages):
        response, ids, following = _chunk(there, form_id, cursor, page_size, timeout)
        found += ids
        if not ids or following in {"", cursor}:
            return next_state(state, found, response.as_dict())
        cursor = following
    raise ConfigurationError(f"{form_id}: there are more than {max_pages} pages; say max_pages=…")


@operation
def aggregate_submission(
    state: State,
    form_id: str,
    instance_id: str,
    *,
    element: str = "data",
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch one submission; `data` becomes a dict of its XML, its files a list `mediaFile`.

    `element` is the root element of the form, mostly `data`. A repeat with one entry is a dict, one
    with more a list.

    >>> operate = aggregate_submission("Attendance_v2", "uuid:27b7418c-b4cf-4a82-8f77-e515dcb2265f")
    """
    there = aggregate(read_credential(Configuration, state))
    response, record = _record(there, form_id, instance_id, element, timeout)
    return next_state(state, record, response.as_dict())


@operation
def aggregate_new_submissions(
    state: State,
    form_id: str,
    *,
    element: str = "data",
    limit: int = 100,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Fetch what came to a form since this cron job last succeeded; `data` is the list.

    At most `limit` in one run, each by a request of its own: the next run goes on from there. The
    server's cursor is kept in `pulled` on the state.

    >>> from adaptors.common import each, emit
    >>> operations = [aggregate_new_submissions("Attendance"), each("[*]", emit("odk-records"))]
    """
    there = aggregate(read_credential(Configuration, state))
    pulled = state.get("pulled", {})
    response, ids, cursor = _chunk(there, form_id, pulled.get(form_id, ""), limit, timeout)
    records = [_record(there, form_id, each, element, timeout)[1] for each in ids]
    after = next_state(state, records, response.as_dict())
    return {**after, "pulled": {**pulled, form_id: cursor or pulled.get(form_id, "")}}


@operation
def aggregate_submit(
    state: State, form_id: str, data: Mapping[str, Any] | str, *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Submit a submission to a form; `data` becomes `{instanceID, message}`.

    It is the XML of an instance, or a dict for it as `create_submission` takes it. Aggregate takes
    a submission whose instanceID it has for the same one.

    >>> operate = aggregate_submit("Attendance", {"name": "Amina", "visit": [{"n": 1}, {"n": 2}]})
    """
    xml = data if isinstance(data, str) else instance(form_id, data)
    instance_id = protocol.instance_id(xml)
    file = ("submission.xml", protocol.encode(xml), "text/xml")
    body, content_type = encode_multipart_formdata({"xml_submission_file": file})
    request = Request(
        "POST",
        "submission",
        None,
        _OPENROSA,
        body,
        content_type,
        timeout=timeout,
        dry_run_response=protocol.DRY_RUN_RESPONSE,
    )
    response = raise_for_status(send(aggregate(read_credential(Configuration, state)), request))
    told = protocol.message(response)
    if told is None or response.status not in {200, 201}:
        raise unexpected_content(response, "OpenRosa answer")
    after = next_state(state, {"instanceID": instance_id, "message": told[1]})
    return {**after, "response": response.as_dict()}


def _chunk(
    there: Client, form_id: str, cursor: str, most: int, timeout: float
) -> tuple[Response, list[str], str]:
    query = {"formId": form_id, "numEntries": most, **({"cursor": cursor} if cursor else {})}
    dry_run_response = "<idChunk><idList/></idChunk>"
    request = Request(
        "GET",
        "view/submissionList",
        query,
        _OPENROSA,
        timeout=timeout,
        dry_run_response=dry_run_response,
    )
    response = send(there, request)
    chunk = xml_body(response).get("idChunk")
    if not isinstance(chunk, dict):
        raise unexpected_content(response, "list")
    ids = (chunk.get("idList") or {}).get("id") or []
    return (
        response,
        ids if isinstance(ids, list) else [ids],
        str(chunk.get("resumptionCursor") or ""),
    )


def _record(
    there: Client, form_id: str, instance_id: str, element: str, timeout: float
) -> tuple[Response, dict[str, Any]]:
    key = f"{form_id}[@version=null and @uiVersion=null]/{element}[@key={instance_id}]"
    dry_run_response = f"<submission><data><data instanceID={instance_id!r}/></data></submission>"
    query = {"formId": key}
    request = Request(
        "GET",
        "view/downloadSubmission",
        query,
        _OPENROSA,
        timeout=timeout,
        dry_run_response=dry_run_response,
    )
    response = send(there, request)
    whole = xml_body(response).get("submission")
    data = whole.get("data") if isinstance(whole, dict) else None
    record = next(_dicts(data), None)
    if record is None:
        raise unexpected_content(response, "submission")
    media = whole.get("mediaFile") if isinstance(whole, dict) else None
    files = media if isinstance(media, list) else [media] if media else []
    return response, {**record, **({"mediaFile": files} if files else {})}


def _dicts(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        yield from (value for value in data.values() if isinstance(value, dict))
