"""How a conflict is named in an error, which may say where it is but quote no value of a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from adaptors.dhis2.import_summaries import Conflict

_UID = re.compile("[A-Za-z][A-Za-z0-9]{10}")
_WORD = re.compile("[A-Za-z][A-Za-z.]{0,80}")
# What stands under these keys names an object of DHIS2; whatever else is sent is a value.
_REFERENCES = re.compile(
    "id|attribute|.*OptionCombo|.*CategoryOptions|dataElement|dataSet|enrollment|event|"
    "orgUnit|program|programStage|relationship|relationshipType|trackedEntity.*"
)

_MEANINGS = {
    **dict.fromkeys(["E1002", "E1030", "E1080", "E4015", "E4018"], "it is there already"),
    **dict.fromkeys(["E1032", "E1063", "E1081", "E4016"], "it is not there, or not to be seen"),
    **dict.fromkeys(["E1082", "E1113", "E1114", "E4017"], "it was deleted, for ever"),
    **dict.fromkeys(["E1000", "E1001", "E1003", "E1091", "E1095"], "the user lacks the right"),
    **dict.fromkeys(["E1015", "E1016"], "enrolled already"),
    **dict.fromkeys(["E1018", "E1090"], "a mandatory attribute is missing"),
    **dict.fromkeys(["E1007", "E1085"], "the value is not of the attribute's type"),
    "E1031": "occurredAt is missing",
    "E1048": "no uid of 11 letters and digits",
    "E1064": "the value must be unique and is taken",
}


def quotable(sent: Any) -> Callable[[str], bool]:
    """Give the question whether a text may be quoted: a uid that is no value of what was sent.

    >>> may_quote = quotable({"attribute": "w75KJ2mc4zz", "value": "Christopher"})
    >>> may_quote("w75KJ2mc4zz"), may_quote("Christopher"), may_quote("a name")
    (True, False, False)
    """
    values = {value for value in _values(sent, "") if len(value) >= 11}

    def may_quote(text: str) -> bool:
        return bool(_UID.fullmatch(text)) and not any(text in value for value in values)

    return may_quote


def named(conflict: Conflict, may_quote: Callable[[str], bool]) -> str:
    """Name a conflict by its code, the objects it is about, and their places in what was sent.

    >>> conflict = Conflict("E1064", (("trackedEntity", "PQfMcpmXeFE"),), (1,))
    >>> named(conflict, quotable(None))
    'E1064 (the value must be unique and is taken) at trackedEntity PQfMcpmXeFE, index 1'
    """
    code = conflict.code if re.fullmatch("[A-Z][0-9]{1,5}", conflict.code) else "a conflict"
    meaning = f" ({_MEANINGS[code]})" if code in _MEANINGS else ""
    about = [_about(kind, object_, may_quote) for kind, object_ in conflict.about]
    about += [
        each
        for each in re.findall(r"\b[A-Za-z][A-Za-z0-9]{10}\b", conflict.message)
        # Without a digit it may be a word of the message: Information, Christopher.
        if re.search("[0-9]", each) and may_quote(each) and each not in " ".join(about)
    ][:3]
    if conflict.indexes:
        more = "…" if len(conflict.indexes) > 5 else ""
        about.append(f"index {', '.join(map(str, conflict.indexes[:5]))}{more}")
    where = ", ".join(each for each in about if each)
    return f"{code}{meaning}{' at ' if where else ''}{where}"


def _about(kind: str, object_: str, may_quote: Callable[[str], bool]) -> str:
    word = kind.rsplit(".", maxsplit=1)[-1] if _WORD.fullmatch(kind) else ""
    return f"{word} {object_}".strip() if may_quote(object_) else word


def _values(part: Any, key: str) -> Iterator[str]:
    if isinstance(part, dict):
        for name, each in part.items():
            yield from _values(each, str(name))
    elif isinstance(part, list):
        for each in part:
            yield from _values(each, key)
    elif isinstance(part, str) and not _REFERENCES.fullmatch(key):
        yield part
