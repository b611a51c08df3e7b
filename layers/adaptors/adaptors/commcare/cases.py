"""Create or change cases with CommCare's Case API v2; a case's key is its `external_id`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from adaptors._formats import plain_text
from adaptors._http.client import send
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, json_body, unexpected_content
from adaptors.commcare.credential import Configuration, client, project_path
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError
from adaptors.operations import State, next_state, operation

MAX_CASES = 100
"""The most cases that the API accepts in one request."""


@operation
def upsert_case(
    state: State, external_id: str, data: Mapping[str, Any], *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Create the case with this `external_id`, or change it; `data` becomes `{xform_id, case}`.

    A new case needs `case_type`, `case_name` and `owner_id`; the project's own properties are in
    `properties`. All values are sent as texts, because CommCare has no other type. `None` becomes
    an empty text and empties the property; a key that is left out does not change it.

    >>> from adaptors.common import data_value
    >>> operate = upsert_case(
    ...     data_value("_id"), {"case_type": "patient", "properties": {"age": data_value("age")}}
    ... )
    """
    if not external_id:
        raise ConfigurationError(
            "external_id is empty. It identifies the case, so it needs a value."
        )
    path = f"api/case/v2/ext/{quote(str(external_id), safe='')}/"
    response, body = _send_cases(state, "PUT", path, _as_texts(data), "case", timeout)
    return next_state(state, body, response.as_dict())


@operation
def upsert_cases(
    state: State, rows: Iterable[Mapping[str, Any]], *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Create or change many cases, each with the `external_id` in its row.

    `data` becomes the list of cases. A request has 100 cases; CommCare writes all of them or none.
    A second row with the same `external_id` goes into a later request: in the same one CommCare
    would create two cases. No other run may write the same cases at the same time.

    >>> operate = upsert_cases(lambda state: [
    ...     {"external_id": row["_id"], "case_type": "patient", "case_name": row["name"]}
    ...     for row in state["data"]
    ... ])
    """
    cases: list[Any] = []
    after = state
    for batch in _batches([_as_texts(row) for row in rows or ()]):
        response, body = _send_cases(state, "POST", "api/case/v2/", batch, "cases", timeout)
        cases += body["cases"]
        after = {**state, "response": response.as_dict()}
    return next_state(after, cases)


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    if not all(row.get("external_id") for row in rows):
        raise ConfigurationError("A row has no external_id. It identifies the case: add it.")
    batch: dict[str, dict[str, Any]] = {}
    for row in rows:
        if len(batch) == MAX_CASES or row["external_id"] in batch:
            yield list(batch.values())
            batch = {}
        batch[row["external_id"]] = row
    if batch:
        yield list(batch.values())


def _as_texts(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {
            key: part if isinstance(part, bool) and key in {"close", "create"} else _as_texts(part)
            for key, part in data.items()
        }
    try:
        return plain_text.format_value(data)
    except ConfigurationError as error:
        raise ConfigurationError(f"The values of a case are texts: {error}") from None


def _send_cases(
    state: State, method: str, path: str, json: Any, key: str, timeout: float
) -> tuple[Response, dict[str, Any]]:
    configuration = read_credential(Configuration, state)
    request = Request(
        method,
        project_path(configuration, path),
        timeout=timeout,
        dry_run_response={"xform_id": None, key: json},
        json=json,
    )
    response = send(client(configuration), request)
    body = json_body(response)
    if not isinstance(body, dict) or not isinstance(body.get(key), type(json)):
        raise unexpected_content(response, f"JSON with {key}")
    return response, body
