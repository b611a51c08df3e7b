"""Submissions created in ODK Central, each once however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, json_body, log_response
from adaptors._openrosa import protocol, xforms
from adaptors._runtime import stable_ids
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.odk.central import form, part
from adaptors.odk.credential import Configuration
from adaptors.odk.rest import checked, problem
from adaptors.odk.sessions import send_authorized
from adaptors.operations import State, next_state, operation

_TAKEN = 409.3


@operation
def create_submission(
    state: State,
    project_id: int,
    form_id: str,
    data: Mapping[str, Any] | str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Create a submission to a form; `data` becomes Central's record of it, with its `instanceId`.

    It is the XML of an instance, or a dict for it: a list is a repeat, a group a dict, `@version`
    the form's version. A dict without `meta.instanceID` gets one that a retry of the run has again.
    If the very same XML is there already, that is success; other XML with its id is refused.

    >>> from adaptors.common import data_value
    >>> operate = create_submission(22, "visit", {
    ...     "@version": "3", "name": data_value("group1/name"), "child": [{"age": 3}, {"age": 7}]
    ... })
    """
    configuration = read_credential(Configuration, state)
    xml = data if isinstance(data, str) else instance(form_id, data)
    instance_id = protocol.instance_id(xml)
    where = f"{form(project_id, form_id)}/submissions"
    request = Request(
        "POST",
        where,
        body=protocol.encode(xml),
        content_type="application/xml",
        timeout=timeout,
        dry_run_response={"instanceId": instance_id},
    )
    response = send_authorized(configuration, request)
    if problem(response) == _TAKEN:
        response = _found(configuration, f"{where}/{part(instance_id)}", instance_id, xml, response)
    return next_state(state, json_body(checked(response)), response.as_dict())


def instance(form_id: str, data: Mapping[str, Any]) -> str:
    """Give the XML of an instance of a form, with an id of its own if the data has none."""
    meta = data.get("meta") or {}
    if not isinstance(meta, Mapping):
        raise ConfigurationError("meta is a dict, with instanceID and the like in it")
    whole = {"@id": form_id, **data}
    if not meta.get("instanceID"):
        whole["meta"] = {
            **meta,
            "instanceID": f"uuid:{stable_ids.stable_uuid(xforms.write(whole))}",
        }
    return xforms.write(whole)


def _found(
    configuration: Configuration, where: str, instance_id: str, xml: str, refused: Response
) -> Response:
    # This address, unlike OpenRosa's, answers the same to the same XML as to another.
    version = Request("GET", f"{where}/versions/{part(instance_id)}.xml")
    there = send_authorized(configuration, version)
    if there.status != 200:
        return refused
    if there.text.strip() != xml.strip():
        log_response(refused)
        raise RemoteRefused(
            f"{refused.summary}, problem {_TAKEN}: another submission, with other XML, has this "
            "instanceID"
        )
    return send_authorized(configuration, Request("GET", where))
