"""Uids that a job makes itself, so that an import which is repeated stores everything once."""

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
    """Stand for a uid that is always the same for the same parts, which may be functions.

    A part is a text, a whole number (7 and "7" are the same part) or a date. Name with them what
    the object is of, and whose: two kinds of object of one submission need a part that tells them
    apart. A part without a value is the author's mistake (`ConfigurationError`): all records that
    lack it would get the same uid, and each would replace the one before.

    The algorithm will not change: the seed is the part, or of several parts their list as JSON (no
    blanks, UTF-8); the first 16 bytes of its SHA-256 are a number, of which the remainders by 62,
    from the last character to the second, and then by 52 are places in 0-9A-Za-z and A-Za-z. One
    text makes the uid that OpenFn's `util.deriveUid` makes of it.

    >>> from adaptors.common import data_value
    >>> uid(data_value("_uuid"), "visit")({"data": {"_uuid": "19d72997"}})
    'LBFPibELgjT'
    """
    if not parts:
        raise ConfigurationError("uid needs a part, such as uid(data_value('_uuid'), 'visit')")

    def value(state: State) -> str:
        texts = [_text(n, resolve(state, part)) for n, part in enumerate(parts, 1)]
        return _derived(texts[0] if len(texts) == 1 else _list(texts))

    return value


def _text(number: int, part: Any) -> str:
    whole = isinstance(part, int) and not isinstance(part, bool)
    text = str(part) if whole or isinstance(part, str | date) else ""
    if text.strip():
        return text
    what = "empty" if part is None or isinstance(part, str) else f"a {type(part).__name__}"
    raise ConfigurationError(
        f"part {number} of uid(…) is {what}; a part is a text, a whole number or a date that "
        "this record has"
    )


def _list(texts: list[str]) -> str:
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _derived(seed: str) -> str:
    number = int.from_bytes(sha256(seed.encode("utf-8", "surrogatepass")).digest()[:16], "big")
    found = ""
    for _ in range(10):
        number, place = divmod(number, len(_OTHERS))
        found = _OTHERS[place] + found
    return _FIRST[number % len(_FIRST)] + found
