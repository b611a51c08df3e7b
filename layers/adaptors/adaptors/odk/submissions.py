"""Create submissions in ODK Central, each of them once even if it is sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT, Request
from adaptors._http.response import Response, json_body, log_response
from adaptors._openrosa import instance_ids, protocol, xforms
from adaptors._runtime import stable_ids
from adaptors.credentials import read_credential
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.odk.central import form_path, quote_part
from adaptors.odk.credential import Configuration
from adaptors.odk.rest import ALREADY_EXISTS, problem_code, raise_for_problem
from adaptors.odk.sessions import send_authorized
from adaptors.operations import State, next_state, operation


@operation
def create_submission(
    state: State,
    project_id: int,
    form_id: str,
    data: Mapping[str, Any] | str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
) -> State:
    """Create a submission to a form; `data` becomes Central's record of it, with `instanceId`.

    The submission is XML or a dict: a list is a repeat, a dict is a group, `@version` is the form's
    version. A submission without `meta.instanceID` gets one that is the same in a retry of the
    run. If the very same XML is in Central already, that is success; other XML with its id is
    refused.

    >>> from adaptors.common import data_value
    >>> operate = create_submission(22, "visit", {
    ...     "@version": "3", "name": data_value("group1/name"), "child": [{"age": 3}, {"age": 7}]
    ... })
    """
    configuration = read_credential(Configuration, state)
    xml = form_xml(form_id, data)
    instance_id = protocol.instance_id(xml)
    path = f"{form_path(project_id, form_id)}/submissions"
    request = Request(
        "POST",
        path,
        body=protocol.encode(xml),
        content_type="application/xml",
        timeout=timeout,
        dry_run_response={"instanceId": instance_id},
    )
    response = send_authorized(configuration, request)
    if problem_code(response) == ALREADY_EXISTS:
        response = _fetch_existing(configuration, path, instance_id, xml, response)
    return next_state(state, json_body(raise_for_problem(response)), response.as_dict())


def form_xml(form_id: str, data: Mapping[str, Any] | str) -> str:
    """Return the XML of a submission to a form, with an instanceID if the data has none."""
    if isinstance(data, str):
        if protocol.find_instance_id(data):
            return data
        return instance_ids.add(data, f"uuid:{stable_ids.stable_uuid(data)}")
    meta = data.get("meta") or {}
    if not isinstance(meta, Mapping):
        raise ConfigurationError("meta is a dict, with instanceID and similar keys.")
    form = {"@id": form_id, **data}
    if not meta.get("instanceID"):
        instance_id = f"uuid:{stable_ids.stable_uuid(xforms.write(form))}"
        form["meta"] = {**meta, "instanceID": instance_id}
    return xforms.write(form)


def _fetch_existing(
    configuration: Configuration, path: str, instance_id: str, xml: str, refusal: Response
) -> Response:
    # Unlike OpenRosa's URL, this one refuses the same XML too, so compare it.
    submission = f"{path}/{quote_part(instance_id)}"
    version = Request("GET", f"{submission}/versions/{quote_part(instance_id)}.xml")
    existing = send_authorized(configuration, version)
    if existing.status != 200:
        return refusal
    if existing.text.strip() != xml.strip():
        log_response(refusal)
        raise RemoteRefused(
            f"{refusal.summary}, problem {ALREADY_EXISTS}: another submission, with other XML, has "
            "this instanceID."
        )
    return send_authorized(configuration, Request("GET", submission))
