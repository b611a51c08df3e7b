"""Render the templates: every text is escaped, isolated from its surroundings, and visible."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from console import catalogs, formatting, request, site, static_files, trees
from openfn.control_characters import escape_controls
from openfn.history.why_not import MISSING

_language: ContextVar[str] = ContextVar("language", default="en")


def render(template: str, **values: Any) -> str:
    """Return a page in the language of the current request."""
    current = request.current()
    language = catalogs.choose(
        current.cookies.get("language", ""), current.headers.get("accept-language", "")
    )
    token = _language.set(language)
    try:
        return (
            environment()
            .get_template(template)
            .render(
                request=current,
                site=site.active(),
                language=language,
                direction="rtl" if language in catalogs.RIGHT_TO_LEFT else "ltr",
                **values,
            )
        )
    finally:
        _language.reset(token)


@cache
def environment() -> Environment:
    """Return the environment of the templates."""
    created = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        auto_reload=False,
    )
    created.globals |= _globals()
    created.filters |= _filters()
    created.tests["missing"] = lambda value: value is MISSING
    return created


def _globals() -> dict[str, Any]:
    return {
        "_": _translate,
        "ngettext": _translate_plural,
        "languages": catalogs.LANGUAGES,
        "static": lambda name: static_files.load(name).url,
        "with_query": lambda path, **query: request.with_query(path, query),
    }


def _filters() -> dict[str, Callable[..., Any]]:
    return {
        "bdi": bdi,
        "bytes": formatting.size,
        "json": trees.json_text,
        "moment": lambda text: formatting.time(datetime.fromisoformat(text)),
        "number": formatting.number,
        "pretty": formatting.pretty,
        "pairs": lambda values: [(value, value) for value in values],
        "run_path": formatting.run_path,
        "seconds": formatting.seconds,
        "short_id": formatting.short_id,
        "time": formatting.time,
    }


def bdi(value: object) -> Markup:
    """Return a text from outside, which cannot turn the text around it."""
    return Markup("<bdi>{}</bdi>").format(escape_controls(str(value)))


def _finalize(value: Any) -> Any:
    return escape_controls(value) if type(value) is str else value


def _translate(text: str, **values: Any) -> Markup:
    return _fill(catalogs.load(_language.get()).gettext(text), values)


def _translate_plural(one: str, many: str, number: int, **values: Any) -> Markup:
    text = catalogs.load(_language.get()).ngettext(one, many, number)
    return _fill(text, {"number": formatting.number(number), **values})


def _fill(text: str, values: dict[str, Any]) -> Markup:
    shown = {
        name: value if isinstance(value, Markup | int) else bdi(value)
        for name, value in values.items()
    }
    # A text of ours, from a template or a catalog.
    return Markup(text).format(**shown) if values else escape(text)  # noqa: S704
