"""Mask a credential's secrets in the log and the error of a run.

The values whose key is the name of a secret are masked: as they are, encoded for a URL, and in
base64 with each other value, as basic authentication sends them (`user:secret`). A short value is
masked only as a whole word, so that the password `test` does not change `latest`.
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


def mask(text: str, configuration: Mapping[str, Any]) -> str:
    """Return a text in which the secrets of a credential are masked."""
    if not text:
        return text
    secrets = list(_secrets(configuration))
    forms = {form for secret in secrets for form in _encoded_forms(secret, configuration)}
    for form in sorted(forms, key=len, reverse=True):
        pattern = re.escape(form) if len(form) >= _LONG else rf"(?<!\w){re.escape(form)}(?!\w)"
        text = re.sub(pattern, MASK, text)
    return text


def _secrets(value: Any, *, is_secret: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _secrets(part, is_secret=is_secret or is_secret_name(str(key)))
    elif isinstance(value, list):
        for part in value:
            yield from _secrets(part, is_secret=is_secret)
    elif is_secret and isinstance(value, str) and len(value) >= _SHORTEST:
        yield value


def _encoded_forms(secret: str, configuration: Mapping[str, Any]) -> Iterator[str]:
    yield secret
    yield from (quote(secret, safe, errors="surrogatepass") for safe in ("/", ""))
    others = [value for value in configuration.values() if isinstance(value, str)]
    for pair in (f"{other}:{secret}" for other in ("", *others)):
        yield base64.b64encode(pair.encode("utf-8", "surrogatepass")).decode()
