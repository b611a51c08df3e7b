"""The state that each operation leaves."""

from __future__ import annotations

from typing import Any

from adaptors.operations import State, next_state


def after(state: State, answer: Any) -> State:
    """Put an answer in `data` and at the front of `references`, before the data before it.

    In OpenFn's jobs for Salesforce the newest reference is what Salesforce answered last, so that
    `last_reference_value("id")` is the record just made; here that holds inside `each`, too.

    >>> after({"data": {"name": "Amina"}, "references": []}, {"id": "003x"})["references"]
    [{'id': '003x'}, {'name': 'Amina'}]
    """
    following = next_state(state, answer)
    return {**following, "references": [answer, *following["references"]]}
