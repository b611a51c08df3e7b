"""The options of a request, and their check when the job calls the operation."""

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
    """Options of every request. A function of the state may replace any value."""

    query: Mapping[str, Any] | Value
    headers: Mapping[str, Any] | Value
    timeout: float
    parse_as: ParseAs
    accept_statuses: int | Collection[int]
    max_bytes: int


class RequestOptions(GetOptions, total=False):
    """Options of a request that may have a body."""

    form: Mapping[str, Any] | Value
    files: Mapping[str, Any] | Value
    text: str | Value
    xml: str | bytes | dict[str, Any] | Value
    content: bytes | Value
    content_type: str | Value
    idempotency_key: bool | str | Value
    idempotency_header: str


def with_options(options: type) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Replace a function's `**options` by named parameters, and reject any other at the call."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        *parameters, _ = signature.parameters.values()
        parameters += [_parameter(name, hint) for name, hint in options.__annotations__.items()]
        complete = signature.replace(parameters=parameters)

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            _check(complete.bind(*args, **kwargs).arguments)
            return function(*args, **kwargs)

        vars(checked)["__signature__"] = complete
        return checked

    return decorate


def _parameter(name: str, hint: Any) -> inspect.Parameter:
    # The text of the annotation is easier to read than the evaluated type.
    text = getattr(hint, "__forward_arg__", hint)
    default = DEFAULTS.get(name)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=text)


def _check(options: Mapping[str, Any]) -> None:
    bodies = [name for name in ("json", *_BODIES) if options.get(name) is not None]
    if options.get("files") is not None:
        bodies = ["files", *(name for name in bodies if name != "form")]
    if len(bodies) > 1:
        raise ConfigurationError(
            f"A request has one body, not {' and '.join(bodies)}. (files= may have a form= with "
            "it.)"
        )
    if options.get("parse_as", "auto") not in get_args(ParseAs):
        raise ConfigurationError(f"parse_as is one of {', '.join(get_args(ParseAs))}.")
