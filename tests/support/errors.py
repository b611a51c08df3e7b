"""Execute an operation that fails, and return its error."""

from __future__ import annotations

import pytest

from adaptors.errors import AdaptorError


def error_of(operate, state):
    """Execute an operation and return the AdaptorError that it raises."""
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value
