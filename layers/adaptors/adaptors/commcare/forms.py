"""Forms submitted to CommCare, by the OpenRosa protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adaptors._http.client import SECONDS, Call, send
from adaptors._http.response import broken
from adaptors._http.response import Answer, accepted, show
from adaptors._openrosa import protocol, xforms
from adaptors._runtime import run_context, stable_ids
from adaptors.commcare.credential import Configuration, access, project
from adaptors.credentials import read
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.operations import State, next_state, operation

_META = "http://openrosa.org/jr/xforms"


@operation
def submit(state: State, data: Mapping[str, Any], *, timeout: float = SECONDS) -> State:
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
    form = _with_meta(data, read(Configuration, state).username)
    return _submitted(state, xforms.write(form), timeout)


@operation
def submit_xml(state: State, xml: str, *, timeout: float = SECONDS) -> State:
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
    began = run_context.current().began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    own = {
        "@xmlns": _META,
        "deviceID": "openfn",
        "timeStart": began,
        "timeEnd": began,
        "username": username,
        **meta,
        "instanceID": stable_ids.derived(xforms.write(data)),
    }
    return {**data, "meta": own}


def _submitted(state: State, xml: str, timeout: float) -> State:
    configuration = read(Configuration, state)
    instance_id = protocol.instance_id(xml)
    if not configuration.app_id:
        raise ConfigurationError(
            "the credential has no appId, the application that the form belongs to; add it"
        )
    call = Call(
        "POST",
        project(configuration, f"receiver/{quote(configuration.app_id, safe='')}/"),
        headers={"X-OpenRosa-Version": "3.0"},  # so that a form it cannot process is no 201
        body=protocol.encoded(xml),
        content_type="text/xml",
        timeout=timeout,
        pretended=protocol.PRETENDED,
    )
    answer = send(access(configuration), call)
    nature, message = _judged(answer)
    data = {"instanceID": instance_id, "nature": nature, "message": message}
    return next_state(state, data, answer.as_dict())


def _judged(answer: Answer) -> tuple[str, str]:
    told = protocol.message(answer)
    nature = told[0] if told else ""
    if answer.status == 422 and told and nature != "processing_failure":
        # CommCare's own rule: what follows a form it has saved failed; sent again, it is finished.
        show(answer)
        raise RemoteUnavailable(f"{answer.told} and says {nature or 'no nature'}")
    if answer.status == 500 and nature == "submit_error":
        show(answer)
        raise RemoteRefused(f"{answer.told} and says submit_error: the XML was not understood")
    accepted(answer)
    if told is None:
        raise broken(answer, "OpenRosa answer")
    if nature != "submit_success":
        show(answer)
        raise RemoteRefused(f"{answer.told}, but says {nature or 'no nature'}: it did not take it")
    return told
