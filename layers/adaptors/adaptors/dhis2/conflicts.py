"""Describe conflicts in errors: codes, uids and positions, but no values of a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from adaptors.dhis2.import_summaries import Conflict

_MAX_UIDS_OF_MESSAGE, _MAX_INDEXES = 3, 5
_UID = re.compile("[A-Za-z][A-Za-z0-9]{10}")
_WORD = re.compile("[A-Za-z][A-Za-z.]{0,80}")
# Strings below these keys are ids of DHIS2's objects. All other strings are values.
_REFERENCES = re.compile(
    "id|attribute|.*OptionCombo|.*CategoryOptions|dataElement|dataSet|enrollment|event|"
    "orgUnit|program|programStage|relationship|relationshipType|trackedEntity.*"
)

_MEANINGS = {
    **dict.fromkeys(["E1002", "E1030", "E1080", "E4015", "E4018"], "it already exists"),
    **dict.fromkeys(
        ["E1032", "E1063", "E1081", "E4016"], "it does not exist, or the user cannot see it"
    ),
    **dict.fromkeys(
        ["E1082", "E1113", "E1114", "E4017"], "it was deleted, and its uid cannot be used again"
    ),
    **dict.fromkeys(["E1000", "E1001", "E1003", "E1091", "E1095"], "the user has no permission"),
    **dict.fromkeys(["E1015", "E1016"], "already enrolled"),
    **dict.fromkeys(["E1018", "E1090"], "a mandatory attribute is missing"),
    **dict.fromkeys(["E1007", "E1085"], "the value does not have the attribute's type"),
    "E1031": "occurredAt is missing",
    "E1048": "a uid has 11 letters and digits",
    "E1064": "the value must be unique and is taken",
}


def uid_filter(body: Any) -> Callable[[str], bool]:
    """Return a function that accepts uids, but no value of a request body.

    >>> may_quote = uid_filter({"attribute": "w75KJ2mc4zz", "value": "Christopher"})
    >>> may_quote("w75KJ2mc4zz"), may_quote("Christopher"), may_quote("a name")
    (True, False, False)
    """
    values = {value for value in _values(body, "") if len(value) >= 11}

    def may_quote(text: str) -> bool:
        return bool(_UID.fullmatch(text)) and not any(text in value for value in values)

    return may_quote


def describe_conflict(conflict: Conflict, may_quote: Callable[[str], bool]) -> str:
    """Return a conflict's code, its objects, and their positions in the request.

    >>> conflict = Conflict("E1064", (("trackedEntity", "PQfMcpmXeFE"),), (1,))
    >>> describe_conflict(conflict, uid_filter(None))
    'E1064 (the value must be unique and is taken) at trackedEntity PQfMcpmXeFE, index 1'
    """
    code = conflict.code if re.fullmatch("[A-Z][0-9]{1,5}", conflict.code) else "a conflict"
    meaning = f" ({_MEANINGS[code]})" if code in _MEANINGS else ""
    parts = [_describe_object(kind, uid, may_quote) for kind, uid in conflict.objects]
    parts += [
        uid
        for uid in re.findall(r"\b[A-Za-z][A-Za-z0-9]{10}\b", conflict.message)
        # Without a digit it may be a word of the message: Information, Christopher.
        if re.search("[0-9]", uid) and may_quote(uid) and uid not in " ".join(parts)
    ][:_MAX_UIDS_OF_MESSAGE]
    if conflict.indexes:
        more = "…" if len(conflict.indexes) > _MAX_INDEXES else ""
        parts.append(f"index {', '.join(map(str, conflict.indexes[:_MAX_INDEXES]))}{more}")
    location = ", ".join(filter(None, parts))
    return f"{code}{meaning}{' at ' if location else ''}{location}"


def _describe_object(kind: str, uid: str, may_quote: Callable[[str], bool]) -> str:
    word = kind.rsplit(".", maxsplit=1)[-1] if _WORD.fullmatch(kind) else ""
    return f"{word} {uid}".strip() if may_quote(uid) else word


def _values(part: Any, key: str) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            yield from _values(value, str(name))
    elif isinstance(part, list):
        for item in part:
            yield from _values(item, key)
    elif isinstance(part, str) and not _REFERENCES.fullmatch(key):
        yield part
