"""Deprecated names of the first release; use `Request(…, json=…)` of `adaptors.sdk`."""

from __future__ import annotations

import warnings

from adaptors._formats.json_text import dumps as write

__all__ = ["write"]

warnings.warn(
    "adaptors.jsontext is deprecated: import from adaptors.sdk.", DeprecationWarning, stacklevel=2
)
