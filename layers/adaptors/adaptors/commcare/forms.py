"""Submit forms to CommCare with the OpenRosa protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adaptors._http.client import send
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, log_response, raise_for_status, unexpected_content
from adaptors._openrosa import instance_ids, protocol, xforms
from adaptors._runtime import run_context, stable_ids
from adaptors.commcare import case_blocks
from adaptors.commcare.credential import Configuration, client, project_path
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State, next_state, operation

_META_XMLNS = "http://openrosa.org/jr/xforms"


@operation
def submit(state: State, data: Mapping[str, Any], *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Submit a form; `data` becomes `{instanceID, nature, message}`.

    The form is a dict in CommCare's own notation: `@xmlns` names the form, a list is a repeat,
    `case` with `@case_id`, `create` and `update` writes a case. A form without `meta.instanceID`
    gets one that is the same in a retry of the run, and different for each form of a run: CommCare
    stores the same form only once. A `case` needs its `@case_id`. Derive it from the source's own
    id, so that a case that is created twice is one case.

    >>> from adaptors.common import data_value
    >>> operate = submit({
    ...     "@xmlns": "http://openrosa.org/formdesigner/158EB23A",
    ...     "patient_name": data_value("name"),
    ...     "visit": [{"date": "2026-03-09"}, {"date": "2026-03-16"}],
    ... })
    """
    case_blocks.require_case_ids(data)
    form = _with_meta(data, read_credential(Configuration, state).username)
    return _submit_xml(state, xforms.write(form), timeout)


@operation
def submit_xml(state: State, xml: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Submit the XML of a form as it is.

    A form without a `meta/instanceID` gets one, as with `submit`; nothing else is changed.

    >>> operate = submit_xml(lambda state: state["data"]["xml"])
    """
    if not protocol.find_instance_id(xml):
        meta = _meta(read_credential(Configuration, state).username)
        xml = instance_ids.add(xml, stable_ids.stable_uuid(xml), meta)
    return _submit_xml(state, xml, timeout)


def _with_meta(data: Mapping[str, Any], username: str) -> dict[str, Any]:
    meta = data.get("meta") or {}
    if not isinstance(meta, Mapping):
        raise ConfigurationError("meta is a dict, with instanceID and similar keys.")
    if meta.get("instanceID"):
        return dict(data)
    full_meta = {
        **_meta(username),
        **meta,
        "instanceID": stable_ids.stable_uuid(xforms.write(data)),
    }
    return {**data, "meta": full_meta}


def _meta(username: str) -> dict[str, str]:
    # A retry must write the very same XML: CommCare sees any other XML as an edit.
    started_at = run_context.current_run().started_at.isoformat(timespec="milliseconds")
    timestamp = started_at.replace("+00:00", "Z")
    return {
        "@xmlns": _META_XMLNS,
        "deviceID": "openfn",
        "timeStart": timestamp,
        "timeEnd": timestamp,
        "username": username,
    }


def _submit_xml(state: State, xml: str, timeout: float) -> State:
    configuration = read_credential(Configuration, state)
    instance_id = protocol.instance_id(xml)
    if not configuration.app_id:
        raise ConfigurationError(
            "The credential has no appId, the id of the application that the form belongs to. "
            "Add it."
        )
    request = Request(
        "POST",
        project_path(configuration, f"receiver/{quote(configuration.app_id, safe='')}/"),
        headers={
            "X-OpenRosa-Version": "3.0"
        },  # else CommCare sends 201 for a form it cannot process
        body=protocol.encode(xml),
        content_type="text/xml",
        timeout=timeout,
        dry_run_response=protocol.DRY_RUN_RESPONSE,
    )
    response = send(client(configuration), request)
    nature, message = _check_submission(response)
    data = {"instanceID": instance_id, "nature": nature, "message": message}
    return next_state(state, data, response.as_dict())


def _check_submission(response: Response) -> tuple[str, str]:
    message = protocol.message(response)
    nature = message[0] if message else ""
    summary = f"{response.summary} with {f'nature {nature}' if nature else 'no nature'}"
    if response.status == 422 and message and nature != "processing_failure":
        # CommCare saved the form but did not finish. It finishes when the form is sent again.
        log_response(response)
        raise RemoteUnavailable(f"{summary}: the form is saved, but not processed yet.")
    if response.status == 500 and nature == "submit_error":
        log_response(response)
        raise RemoteRefused(f"{summary}: CommCare cannot parse the XML.")
    raise_for_status(response)
    if message is None:
        raise unexpected_content(response, "OpenRosa response")
    if nature != "submit_success":
        log_response(response)
        raise RemoteRefused(f"{summary}: CommCare did not accept the form.")
    return message
