"""Deprecated names of the first release; use `adaptors.sdk`."""

from __future__ import annotations

import warnings
from typing import Any

from adaptors._http.response import Response, retry_after
from adaptors._http.response import is_retryable as for_now
from adaptors._http.response import json_body as json_of
from adaptors._http.response import log_response as show
from adaptors._http.response import raise_for_status as accepted

__all__ = ["Answer", "accepted", "for_now", "json_of", "retry_after", "show"]

warnings.warn(
    "adaptors.answers is deprecated: import from adaptors.sdk.", DeprecationWarning, stacklevel=2
)


class Answer(Response):
    """A response with the properties of the first release."""

    __slots__ = ()

    @property
    def told(self) -> str:
        """Return `summary`."""
        return self.summary

    @property
    def data(self) -> Any:
        """Return `body`."""
        return self.body
