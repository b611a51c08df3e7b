"""Create or change many cases with CommCare's importer of Excel files."""

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
from adaptors.absent import require_present
from adaptors.commcare import spreadsheets
from adaptors.commcare.credential import Configuration, client, project_path
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State, next_state, operation

_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DONE, _FAILED = 2, 3  # states of an import


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
    """Create or change many cases with an Excel file; `data` becomes the result of the import.

    The result is `{match_count, created_count, errors, …}`. `search_field` is `case_id` or
    `external_id`, and `search_column` the key of the rows that holds it, if it has another name. A
    property that a row does not have is not changed: rows with the same keys are a file. The
    operation waits for each import, at most `patience` seconds, and checks it every `pause`
    seconds. Rows with errors fail the run after the other rows of the file were imported.

    With `external_id` a repeated run changes the same cases; with `case_id` and `create_new_cases`
    it would create them again. The importer reads an id of digits as a number: `007` is case `7`.

    >>> operate = bulk_cases(
    ...     lambda state: state["data"], case_type="household", search_field="external_id"
    ... )
    """
    configuration = read_credential(Configuration, state)
    if not rows:
        return next_state(state, {"match_count": 0, "created_count": 0, "errors": []})
    options = {
        "case_type": case_type,
        "search_field": search_field,
        "search_column": search_column,
        "create_new_cases": "on" if create_new_cases else None,
        "name_column": name_column,
    }
    _require_ids(rows, search_field, search_column or search_field)
    commcare, results = client(configuration), list[dict[str, Any]]()
    for rows_of_file in _group_by_columns(rows):
        upload = send(commcare, _upload_request(configuration, rows_of_file, options, timeout))
        status_url = same_origin_url(configuration.host_url, _status_url(upload))
        status_request = Request("GET", status_url, timeout=timeout)
        response, result = _wait_for_import(commcare, status_request, patience, pause)
        results.append(result)
    return next_state(state, _merge_results(results), response.as_dict())


def _require_ids(rows: Sequence[Mapping[str, Any]], search_field: str, column: str) -> None:
    for number, row in enumerate(rows, 1):
        require_present(row, f"Row {number}", [column])
        if search_field == "external_id" and not row.get(column):
            raise ConfigurationError(
                f"Row {number} has no {column}. It identifies the case, so it needs a value."
            )


def _group_by_columns(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    # An empty cell empties its property.
    groups: dict[frozenset[str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(frozenset(row), []).append(row)
    return list(groups.values())


def _merge_results(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    merged = dict(results[0])
    for result in results[1:]:
        for key, value in result.items():
            addable = isinstance(value, int | list) and isinstance(merged.get(key), type(value))
            merged[key] = merged[key] + value if addable else value
    return merged


def _upload_request(
    configuration: Configuration,
    rows: Sequence[Mapping[str, Any]],
    options: Mapping[str, str | None],
    timeout: float,
) -> Request:
    fields = {name: value for name, value in options.items() if value is not None}
    file = ("cases.xlsx", spreadsheets.write(rows), _EXCEL)
    body, content_type = encode_multipart_formdata({"file": file, **fields})
    return Request(
        "POST",
        project_path(configuration, "importer/excel/bulk_upload_api/"),
        body=body,
        content_type=content_type,
        timeout=timeout,
        dry_run_response={
            "code": 200,
            "message": "success",
            "status_url": configuration.host_url,
        },
    )


def _status_url(response: Response) -> str:
    body = response.body if isinstance(response.body, dict) else {}
    if "code" not in body:
        json_body(response)
        raise unexpected_content(response, "JSON with a code")
    if body["code"] == 200 and body.get("status_url"):
        return urljoin(response.url, str(body["status_url"]))
    # Older servers refuse a file with 200, newer ones with 500.
    log_response(response)
    raise RemoteRefused(
        f"{response.summary} with code {body['code']}: CommCare refused the file. The run's log "
        "shows its reason."
    )


def _wait_for_import(
    commcare: Client, request: Request, patience: float, pause: float
) -> tuple[Response, dict[str, Any]]:
    if dry_run.is_active():
        request = replace(request, dry_run_response={"state": _DONE, "result": {"errors": []}})
    deadline = time.monotonic() + patience
    while True:
        response, status = _fetch_status(commcare, request)
        if response and status.get("state") in {_DONE, _FAILED}:
            return response, _result(response, status)
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    # Not RemoteUnavailable: a retry would upload the rows again.
    raise RemoteRefused(
        f"The rows were uploaded, but their import did not end within {patience:g} s. Check "
        f"{display_url(request.path)} before you run the job again, and raise patience=…"
    )


def _fetch_status(commcare: Client, request: Request) -> tuple[Response | None, dict[str, Any]]:
    try:
        response = send(commcare, request)
        status = json_body(response)
    except RemoteUnavailable:
        return None, {}
    return response, status if isinstance(status, dict) else {}


def _result(response: Response, status: dict[str, Any]) -> dict[str, Any]:
    result = status.get("result") or {}
    errors = result.get("errors") or []
    if status["state"] == _FAILED:
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}: the import failed. The run's log shows CommCare's reason."
        )
    if errors:
        log_response(response)
        rows = sorted({row for error in errors for row in error.get("rows", [])}, key=str)
        raise RemoteRefused(
            f"{response.summary}: the import has errors in the file's rows {rows} (row 1 has the "
            "names). The other rows were imported. The run's log shows CommCare's reasons."
        )
    return dict(result)
