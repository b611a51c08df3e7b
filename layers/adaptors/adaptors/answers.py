"""What a destination answered, and what a status means."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from adaptors.errors import RemoteRefused, RemoteUnavailable
from adaptors.origins import shown

_FOR_NOW = {408, 425, 429}
_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a destination answered; the names of its headers are in lower case."""

    method: str
    url: str
    status: int
    reason: str
    headers: dict[str, str]
    content: bytes
    encoding: str = "utf-8"

    @property
    def text(self) -> str:
        """Give the body as text."""
        try:
            return self.content.decode(self.encoding, "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    @property
    def data(self) -> Any:
        """Give the body as JSON where it is JSON, else as text; nothing as `None`."""
        if not self.content:
            return None
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return self.text

    @property
    def told(self) -> str:
        """Say what was asked and what status came back."""
        return f"{self.method} {self.url} answered {self.status} {self.reason}".strip()


def accepted(answer: Answer) -> Answer:
    """Give an answer whose status is 2xx; for any other raise the error with its verdict."""
    if 200 <= answer.status < 300:
        return answer
    if 300 <= answer.status < 400:
        raise RemoteRefused(
            f"{answer.told}, a redirect to {shown(answer.headers.get('location', 'nowhere'))}; "
            "make the address in the credential the final one"
        )
    show(answer)
    if for_now(answer):
        raise RemoteUnavailable(answer.told, retry_after(answer))
    raise RemoteRefused(answer.told)


def show(answer: Answer) -> None:
    """Print the beginning of an answer into the run's log: an error quotes no content."""
    print(f"{answer.told}:\n{answer.text[:_SHOWN]}")


def for_now(answer: Answer) -> bool:
    """Tell whether a status means that it may be well later."""
    return answer.status in _FOR_NOW or answer.status >= 500


def retry_after(answer: Answer) -> float | None:
    """Give the seconds the destination wishes to be left alone, if it says so."""
    wish = answer.headers.get("retry-after", "")
    if re.fullmatch("[0-9]{1,9}", wish):
        return float(wish)
    try:
        return max(0.0, parsedate_to_datetime(wish).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
