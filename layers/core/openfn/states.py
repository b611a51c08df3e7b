"""The dict that flows through a job: how it begins, and how it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

from openfn import bodies
from openfn.messages import Message

State = dict[str, Any]


def initial(message: Message, configuration: Mapping[str, Any]) -> State:
    """Give the state a message's job begins with."""
    return {
        "data": bodies.parse(message.body, message.headers),
        "request": message.request,
        "configuration": dict(configuration),
        "references": [],
    }


def kept(state: State) -> bytes:
    """Give a final state as the JSON that is kept, without its configuration.

    What JSON has no form for is kept as text: a run that has delivered its record must not fail
    for what it leaves on the state.
    """
    rest = {key: value for key, value in state.items() if key != "configuration"}
    try:
        text = _written(rest)
    except Exception as error:
        reason = f"the final state cannot be written as JSON: {type(error).__name__}"
        text = json.dumps({"unkept": reason})
    return text.encode()


def _written(rest: State) -> str:
    try:
        return json.dumps(rest, default=_plain, separators=(",", ":"), allow_nan=False)
    except ValueError:
        # A NaN or an infinity among it: written as Python writes them, and read again as texts.
        plain = json.loads(json.dumps(rest, default=_plain), parse_constant=str)
        return json.dumps(plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
