"""Forms submitted to CommCare, by the OpenRosa protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adaptors._http.client import send
from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, log_response, raise_for_status, unexpected_content
from adaptors._openrosa import protocol, xforms
from adaptors._runtime import run_context, stable_ids
from adaptors.commcare.credential import Configuration, client, project
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State, next_state, operation

_META = "http://openrosa.org/jr/xforms"


@operation
def submit(state: State, data: Mapping[str, Any], *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Submit a form; `data` becomes `{instanceID, nature, message}`.

    The form is a dict in CommCare's own notation: `@xmlns` says which form it is, a list is a
    repeat, `case` with `@case_id`, `create` and `update` writes a case. Without a
    `meta.instanceID` it gets one that a retry of the run has again, and two forms of one run have
    not: CommCare takes the same form twice for one. A `@case_id` is the job's to choose: derive it
    from the source's own id, then a case that is created twice is one too.

    >>> from adaptors.common import data_value
    >>> operate = submit({
    ...     "@xmlns": "http://openrosa.org/formdesigner/158EB23A",
    ...     "patient_name": data_value("name"),
    ...     "visit": [{"date": "2026-03-09"}, {"date": "2026-03-16"}],
    ... })
    """
    form = _with_meta(data, read_credential(Configuration, state).username)
    return _submitted(state, xforms.write(form), timeout)


@operation
def submit_xml(state: State, xml: str, *, timeout: float = DEFAULT_TIMEOUT) -> State:
    """Submit the XML of a form as it is; it must hold a `meta/instanceID`.

    >>> operate = submit_xml(lambda state: state["data"]["xml"])
    """
    return _submitted(state, xml, timeout)


def _with_meta(data: Mapping[str, Any], username: str) -> dict[str, Any]:
    meta = data.get("meta") or {}
    if not isinstance(meta, Mapping):
        raise ConfigurationError("meta is a dict, with instanceID and the like in it")
    if meta.get("instanceID"):
        return dict(data)
    # A retry writes the very same XML: only then does CommCare see a duplicate and no edit.
    began = (
        run_context.current_run()
        .started_at.isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
    own = {
        "@xmlns": _META,
        "deviceID": "openfn",
        "timeStart": began,
        "timeEnd": began,
        "username": username,
        **meta,
        "instanceID": stable_ids.stable_uuid(xforms.write(data)),
    }
    return {**data, "meta": own}


def _submitted(state: State, xml: str, timeout: float) -> State:
    configuration = read_credential(Configuration, state)
    instance_id = protocol.instance_id(xml)
    if not configuration.app_id:
        raise ConfigurationError(
            "the credential has no appId, the application that the form belongs to; add it"
        )
    request = Request(
        "POST",
        project(configuration, f"receiver/{quote(configuration.app_id, safe='')}/"),
        headers={"X-OpenRosa-Version": "3.0"},  # so that a form it cannot process is no 201
        body=protocol.encode(xml),
        content_type="text/xml",
        timeout=timeout,
        dry_run_response=protocol.DRY_RUN_RESPONSE,
    )
    response = send(client(configuration), request)
    nature, message = _judged(response)
    data = {"instanceID": instance_id, "nature": nature, "message": message}
    return next_state(state, data, response.as_dict())


def _judged(response: Response) -> tuple[str, str]:
    told = protocol.message(response)
    nature = told[0] if told else ""
    if response.status == 422 and told and nature != "processing_failure":
        # CommCare's own rule: what follows a form it has saved failed; sent again, it is finished.
        log_response(response)
        raise RemoteUnavailable(f"{response.summary} and says {nature or 'no nature'}")
    if response.status == 500 and nature == "submit_error":
        log_response(response)
        raise RemoteRefused(f"{response.summary} and says submit_error: the XML was not understood")
    raise_for_status(response)
    if told is None:
        raise unexpected_content(response, "OpenRosa answer")
    if nature != "submit_success":
        log_response(response)
        raise RemoteRefused(
            f"{response.summary}, but says {nature or 'no nature'}: it did not take it"
        )
    return told
