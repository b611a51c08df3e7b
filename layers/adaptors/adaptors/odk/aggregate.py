"""ODK Aggregate: submissions listed, downloaded and submitted as ODK Briefcase does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from urllib3 import encode_multipart_formdata

from adaptors._http.client import SECONDS, Access, Call, send
from adaptors._http.pagination import PAGES
from adaptors._http.response import broken
from adaptors._http.xml_response import promised_xml
from adaptors._http.response import Answer, accepted
from adaptors._openrosa import protocol
from adaptors.credentials import read
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
    max_pages: int = PAGES,
    timeout: float = SECONDS,
) -> State:
    """Fetch the instance ids of all submissions to a form, oldest first; `data` is the list.

    >>> operate = aggregate_submission_ids("Attendance")
    """
    there = aggregate(read(Configuration, state))
    found: list[str] = []
    cursor = ""
    for _ in range(max_pages):
        answer, ids, following = _chunk(there, form_id, cursor, page_size, timeout)
        found += ids
        if not ids or following in {"", cursor}:
            return next_state(state, found, answer.as_dict())
        cursor = following
    raise ConfigurationError(f"{form_id}: there are more than {max_pages} pages; say max_pages=…")


@operation
def aggregate_submission(
    state: State,
    form_id: str,
    instance_id: str,
    *,
    element: str = "data",
    timeout: float = SECONDS,
) -> State:
    """Fetch one submission; `data` becomes a dict of its XML, its files a list `mediaFile`.

    `element` is the root element of the form, mostly `data`. A repeat with one entry is a dict, one
    with more a list.

    >>> operate = aggregate_submission("Attendance_v2", "uuid:27b7418c-b4cf-4a82-8f77-e515dcb2265f")
    """
    there = aggregate(read(Configuration, state))
    answer, record = _record(there, form_id, instance_id, element, timeout)
    return next_state(state, record, answer.as_dict())


@operation
def aggregate_new_submissions(
    state: State,
    form_id: str,
    *,
    element: str = "data",
    limit: int = 100,
    timeout: float = SECONDS,
) -> State:
    """Fetch what came to a form since this cron job last succeeded; `data` is the list.

    At most `limit` in one run, each by a request of its own: the next run goes on from there. The
    server's cursor is kept in `pulled` on the state.

    >>> from adaptors.common import each, emit
    >>> operations = [aggregate_new_submissions("Attendance"), each("[*]", emit("odk-records"))]
    """
    there = aggregate(read(Configuration, state))
    pulled = state.get("pulled", {})
    answer, ids, cursor = _chunk(there, form_id, pulled.get(form_id, ""), limit, timeout)
    records = [_record(there, form_id, each, element, timeout)[1] for each in ids]
    after = next_state(state, records, answer.as_dict())
    return {**after, "pulled": {**pulled, form_id: cursor or pulled.get(form_id, "")}}


@operation
def aggregate_submit(
    state: State, form_id: str, data: Mapping[str, Any] | str, *, timeout: float = SECONDS
) -> State:
    """Submit a submission to a form; `data` becomes `{instanceID, message}`.

    It is the XML of an instance, or a dict for it as `create_submission` takes it. Aggregate takes
    a submission whose instanceID it has for the same one.

    >>> operate = aggregate_submit("Attendance", {"name": "Amina", "visit": [{"n": 1}, {"n": 2}]})
    """
    xml = data if isinstance(data, str) else instance(form_id, data)
    instance_id = protocol.instance_id(xml)
    file = ("submission.xml", protocol.encoded(xml), "text/xml")
    body, content_type = encode_multipart_formdata({"xml_submission_file": file})
    call = Call(
        "POST",
        "submission",
        None,
        _OPENROSA,
        body,
        content_type,
        timeout=timeout,
        pretended=protocol.PRETENDED,
    )
    answer = accepted(send(aggregate(read(Configuration, state)), call))
    told = protocol.message(answer)
    if told is None or answer.status not in {200, 201}:
        raise broken(answer, "OpenRosa answer")
    after = next_state(state, {"instanceID": instance_id, "message": told[1]})
    return {**after, "response": answer.as_dict()}


def _chunk(
    there: Access, form_id: str, cursor: str, most: int, timeout: float
) -> tuple[Answer, list[str], str]:
    query = {"formId": form_id, "numEntries": most, **({"cursor": cursor} if cursor else {})}
    pretended = "<idChunk><idList/></idChunk>"
    call = Call(
        "GET", "view/submissionList", query, _OPENROSA, timeout=timeout, pretended=pretended
    )
    answer = send(there, call)
    chunk = promised_xml(answer).get("idChunk")
    if not isinstance(chunk, dict):
        raise broken(answer, "list")
    ids = (chunk.get("idList") or {}).get("id") or []
    return answer, ids if isinstance(ids, list) else [ids], str(chunk.get("resumptionCursor") or "")


def _record(
    there: Access, form_id: str, instance_id: str, element: str, timeout: float
) -> tuple[Answer, dict[str, Any]]:
    key = f"{form_id}[@version=null and @uiVersion=null]/{element}[@key={instance_id}]"
    pretended = f"<submission><data><data instanceID={instance_id!r}/></data></submission>"
    query = {"formId": key}
    call = Call(
        "GET", "view/downloadSubmission", query, _OPENROSA, timeout=timeout, pretended=pretended
    )
    answer = send(there, call)
    whole = promised_xml(answer).get("submission")
    data = whole.get("data") if isinstance(whole, dict) else None
    record = next(_dicts(data), None)
    if record is None:
        raise broken(answer, "submission")
    media = whole.get("mediaFile") if isinstance(whole, dict) else None
    files = media if isinstance(media, list) else [media] if media else []
    return answer, {**record, **({"mediaFile": files} if files else {})}


def _dicts(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        yield from (value for value in data.values() if isinstance(value, dict))
