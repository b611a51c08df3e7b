"""What a request may be told beside its path, and the check of it where the job says it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any, Literal, ParamSpec, TypedDict, TypeVar, get_args

from adaptors._http.request import DEFAULT_TIMEOUT, MAX_BYTES
from adaptors.errors import ConfigurationError
from adaptors.operations import Value

P = ParamSpec("P")
R = TypeVar("R")
ParseAs = Literal["auto", "json", "text", "base64"]
DEFAULTS: dict[str, Any] = {
    "timeout": DEFAULT_TIMEOUT,
    "parse_as": "auto",
    "accept_statuses": (),
    "max_bytes": MAX_BYTES,
    "idempotency_header": "Idempotency-Key",
}
_BODIES = ("form", "text", "xml", "content")


class GetOptions(TypedDict, total=False):
    """What every request may be told; a function of the state may stand for a value."""

    query: Mapping[str, Any] | Value
    headers: Mapping[str, Any] | Value
    timeout: float
    parse_as: ParseAs
    accept_statuses: int | Collection[int]
    max_bytes: int


class RequestOptions(GetOptions, total=False):
    """What a request that may have a body may be told besides."""

    form: Mapping[str, Any] | Value
    files: Mapping[str, Any] | Value
    text: str | Value
    xml: str | bytes | dict[str, Any] | Value
    content: bytes | Value
    content_type: str | Value
    idempotency_key: bool | str | Value
    idempotency_header: str


def with_options(options: type) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function's signature name each of its options: another is refused at the call."""

    def spell(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        *named, _ = signature.parameters.values()
        each = [_parameter(name, hint) for name, hint in options.__annotations__.items()]
        spelled = signature.replace(parameters=[*named, *each])

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            _check(spelled.bind(*args, **kwargs).arguments)
            return function(*args, **kwargs)

        vars(checked)["__signature__"] = spelled
        return checked

    return spell


def _parameter(name: str, hint: Any) -> inspect.Parameter:
    # The text of the annotation reads better than what it becomes.
    text = getattr(hint, "__forward_arg__", hint)
    default = DEFAULTS.get(name)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=text)


def _check(given: Mapping[str, Any]) -> None:
    bodies = [name for name in ("json", *_BODIES) if given.get(name) is not None]
    if given.get("files") is not None:
        bodies = ["files", *(name for name in bodies if name != "form")]
    if len(bodies) > 1:
        raise ConfigurationError(
            f"a request has one body, not {' and '.join(bodies)} (files= may have a form= with it)"
        )
    if given.get("parse_as", "auto") not in get_args(ParseAs):
        raise ConfigurationError(f"parse_as is one of {', '.join(get_args(ParseAs))}")
