"""docs/reference.md, from the adaptors' own docstrings, signatures and credential models.

    python -m workbench.reference

It is made from what a job imports: signatures as a job writes them, and each credential as the
model says that judges it, neither of which a reader of the source files alone could give.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from doctest import DocTestParser, Example
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import adaptors
from workbench.credentials.fields import Key, keys

FILE = Path(__file__).resolve().parents[1] / "docs/reference.md"
_INTRO = """\
# Adaptors: reference

What a job may say, adaptor by adaptor. Wherever an operation takes a value, a function of the
state may stand instead: see [jobs.md](jobs.md). `ofn credential set NAME` asks for the keys of a
credential. This page is made by `make docs`: mend a docstring, and make it anew.
"""
_WIDE = 96


def text() -> str:
    """Give the whole page."""
    modules = [import_module(f"adaptors.{name}") for name in ("common", *adaptors.names())]
    contents = [f"- [{_named(each)}](#{_named(each)}): {_first(each)}" for each in modules]
    return "\n".join([_INTRO, *contents, "", "\n".join(map(of, modules))])


def of(module: ModuleType) -> str:
    """Give the part of one adaptor."""
    return "\n".join(f"{part.strip()}\n" for part in _adaptor(module))


def main() -> int:
    """Write the page where the documentation is."""
    FILE.write_text(text(), "utf-8")
    return 0


def _adaptor(module: ModuleType) -> Iterator[str]:
    yield f"## {_named(module)}"
    yield from _said(module)
    model = getattr(module, "Configuration", None)
    if model is not None:
        rows = ["| credential | | |", "|---|---|---|", *map(_row, keys(model))]
        yield "\n".join(rows)
    for name in _public(module):
        found = getattr(module, name)
        yield f"### {_named(module)}.{name}"
        if inspect.isfunction(found):
            yield f"```python\n{_signature(name, found)}\n```"
        yield from _said(found)


def _public(module: ModuleType) -> list[str]:
    named = getattr(module, "__all__", None) or [
        name
        for name, found in vars(module).items()
        if inspect.isfunction(found) and found.__module__ == module.__name__ and name[0] != "_"
    ]
    found = {name: getattr(module, name) for name in named if name != "Configuration"}
    return [n for n, each in found.items() if inspect.isfunction(each) or inspect.isclass(each)]


def _row(key: Key) -> str:
    about = ["needed" if key.required else "", "secret" if key.secret else ""]
    default = key.default
    left_out = "" if default is None or key.secret else f" `{default}` if left out."
    what = (key.description + left_out).replace("|", "\\|")
    return f"| `{key.name}` | {', '.join(filter(None, about))} | {what} |"


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    given = list(signature.parameters.values())
    if hasattr(function, "__wrapped__") and given and given[0].name == "state":
        given = given[1:]  # a job does not give it
    parts = [_parameter(each) for each in given]
    named = next((n for n, each in enumerate(given) if each.kind is each.KEYWORD_ONLY), None)
    if named is not None and not any(each.kind is each.VAR_POSITIONAL for each in given):
        parts.insert(named, "*")
    if len(", ".join(parts)) + len(name) < _WIDE:
        return f"{name}({', '.join(parts)})"
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), ")"])


def _parameter(parameter: inspect.Parameter) -> str:
    shown = str(parameter.replace(annotation=parameter.empty))
    # What has no form in Python, such as `object()`, only marks that nothing is given.
    return re.sub("=<.*>$", "=…", shown)


def _said(thing: Any) -> Iterator[str]:
    block: list[str] = []
    for part in DocTestParser().parse(inspect.getdoc(thing) or ""):
        if isinstance(part, Example):
            block.append(_example(part))
        elif part.strip():
            yield from _fenced(block)
            block = []
            yield part
    yield from _fenced(block)


def _fenced(block: list[str]) -> Iterator[str]:
    if block:
        yield f"```python\n{''.join(block)}```"


def _example(example: Example) -> str:
    first, *more = re.sub(r"\s*# doctest:.*", "", example.source).splitlines()
    return "".join([f">>> {first}\n", *(f"... {line}\n" for line in more), example.want])


def _named(module: ModuleType) -> str:
    return module.__name__.removeprefix("adaptors.")


def _first(module: ModuleType) -> str:
    return " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())


if __name__ == "__main__":
    sys.exit(main())
