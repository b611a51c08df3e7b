"""Many cases at once, by CommCare's importer of Excel files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from urllib3 import encode_multipart_formdata

from adaptors._http.client import Client, send
from adaptors._http.pagination import same_origin_url
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, json_body, log_response, unexpected_content
from adaptors._http.urls import display_url
from adaptors._runtime import dry_run
from adaptors.commcare import spreadsheets
from adaptors.commcare.credential import Configuration, client, project
from adaptors.credentials import read_credential
from adaptors.errors import RemoteRefused, RemoteUnavailable
from adaptors.operations import State, next_state, operation

_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DONE, _FAILED = 2, 3


@operation
def bulk_cases(
    state: State,
    rows: Sequence[Mapping[str, Any]],
    *,
    case_type: str,
    search_field: str = "case_id",
    search_column: str | None = None,
    create_new_cases: bool = True,
    name_column: str | None = None,
    patience: float = 60,
    pause: float = 2,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Create or change many cases by an Excel file; `data` becomes what the import ended with.

    That is `{match_count, created_count, errors, …}`. `search_field` is `case_id` or `external_id`,
    and `search_column` the key that holds it, if it is called otherwise. A row without a key
    empties that property: give all rows the same keys. The import is waited for, `patience` seconds
    at most, asking every `pause`; rows with errors fail the run, the others are imported then.

    With `external_id` a run that is repeated changes the same cases; with `case_id` and
    `create_new_cases` it would create them again. CommCare reads an id of digits as a number here:
    `007` is case `7` to it.

    >>> operate = bulk_cases(
    ...     lambda state: state["data"], case_type="household", search_field="external_id"
    ... )
    """
    configuration = read_credential(Configuration, state)
    if not rows:
        return next_state(state, {"match_count": 0, "created_count": 0, "errors": []})
    wanted = {
        "case_type": case_type,
        "search_field": search_field,
        "search_column": search_column,
        "create_new_cases": "on" if create_new_cases else None,
        "name_column": name_column,
    }
    there = client(configuration)
    uploaded = send(there, _upload(configuration, rows, wanted, timeout))
    link = same_origin_url(configuration.host_url, _status_url(uploaded))
    response, result = _awaited(there, Request("GET", link, timeout=timeout), patience, pause)
    return next_state(state, result, response.as_dict())


def _upload(
    configuration: Configuration,
    rows: Sequence[Mapping[str, Any]],
    wanted: Mapping[str, str | None],
    timeout: float,
) -> Request:
    fields = {key: text for key, text in wanted.items() if text is not None}
    file = ("cases.xlsx", spreadsheets.write(rows), _EXCEL)
    body, content_type = encode_multipart_formdata({"file": file, **fields})
    where = project(configuration, "importer/excel/bulk_upload_api/")
    dry_run_response = {"code": 200, "message": "success", "status_url": configuration.host_url}
    return Request(
        "POST",
        where,
        None,
        None,
        body,
        content_type,
        timeout=timeout,
        dry_run_response=dry_run_response,
    )


def _status_url(response: Response) -> str:
    said = response.body if isinstance(response.body, dict) else {}
    if "code" not in said:
        json_body(response)
        raise unexpected_content(response, "answer")
    if said["code"] == 200 and said.get("status_url"):
        return urljoin(response.url, str(said["status_url"]))
    # A refused file comes with 200 from older servers, with 500 from newer ones.
    log_response(response)
    raise RemoteRefused(f"{response.summary}, but with code {said['code']}: the file was not taken")


def _awaited(
    there: Client, request: Request, patience: float, pause: float
) -> tuple[Response, dict[str, Any]]:
    if dry_run.is_active():
        request = replace(request, dry_run_response={"state": _DONE, "result": {"errors": []}})
    until = time.monotonic() + patience
    while True:
        response, told = _asked(there, request)
        if response and told.get("state") in {_DONE, _FAILED}:
            return response, _judged(response, told)
        if time.monotonic() + pause > until:
            break
        time.sleep(pause)
    # Not RemoteUnavailable: a retry would upload the rows once more.
    raise RemoteRefused(
        f"the rows were uploaded, but their import did not end within {patience:g} s; look at "
        f"{display_url(request.path)} before running the job again, and give it more patience"
    )


def _asked(there: Client, request: Request) -> tuple[Response | None, dict[str, Any]]:
    try:
        response = send(there, request)
        told = json_body(response)
    except RemoteUnavailable:
        return None, {}
    return response, told if isinstance(told, dict) else {}


def _judged(response: Response, told: dict[str, Any]) -> dict[str, Any]:
    result = told.get("result") or {}
    errors = result.get("errors") or []
    if told["state"] == _FAILED:
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}: the import failed; the log shows what CommCare says"
        )
    if errors:
        log_response(response)
        rows = sorted({row for each in errors for row in each.get("rows", [])}, key=str)
        raise RemoteRefused(
            f"{response.summary}: the import has errors in the file's rows {rows} (the first is "
            "the row of names); the other rows were imported, and the log shows CommCare's reasons"
        )
    return dict(result)
