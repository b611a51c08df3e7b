"""Derive uids from a record, so that a repeated import stores everything once."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from adaptors.errors import ConfigurationError
from adaptors.operations import State, Value, resolve

_FIRST = ascii_uppercase + ascii_lowercase
_OTHERS = digits + _FIRST


def uid(*parts: Any) -> Value:
    """Return a uid that is always the same for the same parts; a part may be a function.

    A part is a text, a whole number (7 and "7" are the same part) or a date. The parts say what the
    object is and which record it comes from: two kinds of object from one submission need different
    parts. A part without a value is an error (`ConfigurationError`): all records that lack it would
    get the same uid, and each would replace the one before.

    The algorithm will not change. The seed is the part, or several parts as a JSON list (no blanks,
    UTF-8). The first 16 bytes of its SHA-256 are a number. Its remainders by 62, from the last
    character to the second, and then by 52 are indexes in 0-9A-Za-z and A-Za-z. For one text the
    uid is the one of OpenFn's `util.deriveUid`.

    >>> from adaptors.common import data_value
    >>> uid(data_value("_id"), "visit")({"data": {"_id": "19d72997"}})
    'LBFPibELgjT'
    """
    if not parts:
        raise ConfigurationError("uid needs a part, such as uid(data_value('_id'), 'visit').")

    def value(state: State) -> str:
        texts = [_text(number, resolve(state, part)) for number, part in enumerate(parts, 1)]
        return _derive_uid(texts[0] if len(texts) == 1 else _json_list(texts))

    return value


def _text(number: int, part: Any) -> str:
    is_whole = isinstance(part, int) and not isinstance(part, bool)
    text = str(part) if is_whole or isinstance(part, str | date) else ""
    if text.strip():
        return text
    problem = "empty" if part is None or isinstance(part, str) else f"a {type(part).__name__}"
    raise ConfigurationError(
        f"Part {number} of uid(…) is {problem}. A part is a text, a whole number or a date that "
        "this record has."
    )


def _json_list(texts: list[str]) -> str:
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _derive_uid(seed: str) -> str:
    number = int.from_bytes(sha256(seed.encode("utf-8", "surrogatepass")).digest()[:16], "big")
    characters = ""
    for _ in range(10):
        number, index = divmod(number, len(_OTHERS))
        characters = _OTHERS[index] + characters
    return _FIRST[number % len(_FIRST)] + characters
