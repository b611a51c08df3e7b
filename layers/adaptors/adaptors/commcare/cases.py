"""Cases written by CommCare's Case API v2, each known by its `external_id`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from adaptors._formats import json_text, plain_text
from adaptors._http.client import send
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, json_body, raise_for_status, unexpected_content
from adaptors.commcare.credential import Configuration, client, project
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError
from adaptors.operations import State, next_state, operation

MOST = 100
"""What the API takes at most in one request."""


@operation
def upsert_case(
    state: State, external_id: str, data: Mapping[str, Any], *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Create the case with this `external_id`, or change it; `data` becomes `{xform_id, case}`.

    `case_type`, `case_name` and `owner_id` are needed to create one; what a project defines itself
    stands in `properties`. All values become texts, since CommCare knows no others, and `None` an
    empty one, which blanks what was there: leave a key out to leave it as it is.

    >>> from adaptors.common import data_value
    >>> operate = upsert_case(
    ...     data_value("_uuid"), {"case_type": "patient", "properties": {"age": data_value("age")}}
    ... )
    """
    if not external_id:
        raise ConfigurationError("external_id is empty: there is nothing to know the case by")
    where = f"api/case/v2/ext/{quote(str(external_id), safe='')}/"
    response, page = _sent(state, "PUT", where, _texts(data), "case", timeout)
    return next_state(state, page, response.as_dict())


@operation
def upsert_cases(
    state: State, rows: Iterable[Mapping[str, Any]], *, timeout: float = DEFAULT_TIMEOUT
) -> State:
    """Create or change many cases, each known by the `external_id` in its row.

    `data` becomes the list of cases. They are sent 100 at a time, all of a request or none; a row
    with the `external_id` of one before goes into a later request, since CommCare would make two
    cases of it in the same one. No other run may write the same cases at the same time.

    >>> operate = upsert_cases(lambda state: [
    ...     {"external_id": each["_uuid"], "case_type": "patient", "case_name": each["name"]}
    ...     for each in state["data"]
    ... ])
    """
    cases: list[Any] = []
    after = state
    for rows_of_one in _requests([_texts(row) for row in rows]):
        response, page = _sent(state, "POST", "api/case/v2/", rows_of_one, "cases", timeout)
        cases += page["cases"]
        after = {**state, "response": response.as_dict()}
    return next_state(after, cases)


def _requests(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    if not all(row.get("external_id") for row in rows):
        raise ConfigurationError("a row has no external_id: there is nothing to know the case by")
    batch: dict[str, dict[str, Any]] = {}
    for row in rows:
        if len(batch) == MOST or row["external_id"] in batch:
            yield list(batch.values())
            batch = {}
        batch[row["external_id"]] = row
    if batch:
        yield list(batch.values())


def _texts(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {
            key: part if isinstance(part, bool) and key in {"close", "create"} else _texts(part)
            for key, part in data.items()
        }
    try:
        return plain_text.format_value(data)
    except ConfigurationError as error:
        raise ConfigurationError(f"a case's values are texts: {error}") from None


def _sent(
    state: State, method: str, path: str, json: Any, key: str, timeout: float
) -> tuple[Response, dict[str, Any]]:
    configuration = read_credential(Configuration, state)
    request = Request(
        method,
        project(configuration, path),
        body=json_text.dumps(json).encode(),
        timeout=timeout,
        dry_run_response={"xform_id": None, key: json},
    )
    response = raise_for_status(send(client(configuration), request))
    page = json_body(response)
    if not isinstance(page, dict) or not isinstance(page.get(key), type(json)):
        raise unexpected_content(response, "answer")
    return response, page
