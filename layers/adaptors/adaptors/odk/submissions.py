"""Submissions created in ODK Central, each once however often it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._http.client import SECONDS, Call
from adaptors._http.response import promised_json
from adaptors._http.response import Answer, show
from adaptors._openrosa import protocol, xforms
from adaptors._runtime import stable_ids
from adaptors.credentials import read
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
    timeout: float = SECONDS,
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
    configuration = read(Configuration, state)
    xml = data if isinstance(data, str) else instance(form_id, data)
    instance_id = protocol.instance_id(xml)
    where = f"{form(project_id, form_id)}/submissions"
    call = Call(
        "POST",
        where,
        body=protocol.encoded(xml),
        content_type="application/xml",
        timeout=timeout,
        pretended={"instanceId": instance_id},
    )
    answer = send_authorized(configuration, call)
    if problem(answer) == _TAKEN:
        answer = _found(configuration, f"{where}/{part(instance_id)}", instance_id, xml, answer)
    return next_state(state, promised_json(checked(answer)), answer.as_dict())


def instance(form_id: str, data: Mapping[str, Any]) -> str:
    """Give the XML of an instance of a form, with an id of its own if the data has none."""
    meta = data.get("meta") or {}
    if not isinstance(meta, Mapping):
        raise ConfigurationError("meta is a dict, with instanceID and the like in it")
    whole = {"@id": form_id, **data}
    if not meta.get("instanceID"):
        whole["meta"] = {**meta, "instanceID": f"uuid:{stable_ids.derived(xforms.write(whole))}"}
    return xforms.write(whole)


def _found(
    configuration: Configuration, where: str, instance_id: str, xml: str, refused: Answer
) -> Answer:
    # This address, unlike OpenRosa's, answers the same to the same XML as to another.
    version = Call("GET", f"{where}/versions/{part(instance_id)}.xml")
    there = send_authorized(configuration, version)
    if there.status != 200:
        return refused
    if there.text.strip() != xml.strip():
        show(refused)
        raise RemoteRefused(
            f"{refused.told}, problem {_TAKEN}: another submission, with other XML, has this "
            "instanceID"
        )
    return send_authorized(configuration, Call("GET", where))
