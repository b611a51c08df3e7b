"""Secrets in what is kept of a run: its log and its error.

Masked are the values of a credential whose key speaks of a secret, also as they stand in a URL, and
base64 of every pair that basic authentication makes of such a value (`user:secret`). A short value
is masked only where it stands alone, so that the password `test` does not eat `latest`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from openfn.storage.redaction import is_secret_name

MASK = "***"
_SHORTEST, _LONG = 4, 12


def masked(text: str, configuration: Mapping[str, Any]) -> str:
    """Give a text with the secrets of a credential masked."""
    if not text:
        return text
    forms = {form for secret in _secrets(configuration) for form in _forms(secret, configuration)}
    for form in sorted(forms, key=len, reverse=True):
        alone = re.escape(form) if len(form) >= _LONG else rf"(?<!\w){re.escape(form)}(?!\w)"
        text = re.sub(alone, MASK, text)
    return text


def _secrets(value: Any, *, named: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _secrets(part, named=named or is_secret_name(str(key)))
    elif isinstance(value, list):
        for part in value:
            yield from _secrets(part, named=named)
    elif named and isinstance(value, str) and len(value) >= _SHORTEST:
        yield value


def _forms(secret: str, configuration: Mapping[str, Any]) -> Iterator[str]:
    yield from (secret, quote(secret), quote(secret, safe=""))
    others = [each for each in configuration.values() if isinstance(each, str)]
    for pair in (f"{other}:{secret}" for other in ("", *others)):
        yield base64.b64encode(pair.encode("utf-8", "surrogatepass")).decode()
