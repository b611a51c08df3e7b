"""The stored tokens of the run's credential, which whatever executes the job reads and writes.

A job has no access to the store of secrets. A refresh token that the server replaces must be stored
before it is lost, and only one run at a time may use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from adaptors.errors import AdaptorError, ConfigurationError, RemoteUnavailable, Verdict

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Answers a request: `lease`, `save` or `release`; `openfn.jobs.token_refresh` has the replies."""
OnSecret = Callable[[str], object]
_ask: ContextVar[Ask | None] = ContextVar("ask", default=None)
_on_secret: ContextVar[OnSecret | None] = ContextVar("on_secret", default=None)
_reported: ContextVar[set[str] | None] = ContextVar("reported", default=None)


@contextmanager
def use(ask: Ask, on_secret: OnSecret) -> Iterator[None]:
    """Let the jobs of this context ask about tokens, and report those that they fetch."""
    token, secret_token = _ask.set(ask), _on_secret.set(on_secret)
    reported_token = _reported.set(set())
    try:
        yield
    finally:
        _ask.reset(token)
        _on_secret.reset(secret_token)
        _reported.reset(reported_token)


def ask(action: str, **fields: Any) -> Mapping[str, Any]:
    """Return the reply to a request; raise an AdaptorError with the verdict of an error."""
    receiver = _ask.get()
    if receiver is None:
        raise ConfigurationError(
            "Nothing stores the refresh token here. Execute the job in a stack or with `ofn try`, "
            "and not in a thread of its own."
        )
    reply = receiver({"action": action, **fields})
    if "error" in reply:
        raise _error_of(str(reply["error"]), str(reply["verdict"]))
    return reply


def report_secret(text: str) -> None:
    """Let a token be masked in the log and the error of the run."""
    on_secret, reported = _on_secret.get(), _reported.get()
    if on_secret and reported is not None and text not in reported:
        reported.add(text)
        on_secret(text)


def _error_of(message: str, verdict: str) -> AdaptorError:
    is_retryable = verdict == Verdict.RETRYABLE
    return RemoteUnavailable(message) if is_retryable else ConfigurationError(message)
