"""Generate docs/reference.md from the adaptors' docstrings, signatures and credential models.

python -m workbench.reference
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
from adaptors.operations import next_state
from workbench.credentials.fields import CredentialKey, keys_of

FILE = Path(__file__).resolve().parents[1] / "docs/reference.md"
_INTRO = """\
# Adaptors: reference

All operations and functions that a job can use, adaptor by adaptor. Every argument of an operation
can be a function of the state: see [jobs.md](jobs.md). `ofn credential set NAME` asks for the keys
of a credential. `make docs` generates this page: to change it, change a docstring.
"""
_MAX_SIGNATURE = 96


def page() -> str:
    """Return the complete page."""
    modules = [import_module(f"adaptors.{name}") for name in ("common", *adaptors.names())]
    contents = [f"- [{_name(m)}](#{_name(m)}): {_summary(m)}" for m in modules]
    return "\n".join([_INTRO, *contents, "", "\n".join(map(section, modules))])


def section(module: ModuleType) -> str:
    """Return the section of one adaptor."""
    return "\n".join(f"{part.strip()}\n" for part in _parts(module))


def main() -> int:
    """Write the page into the documentation."""
    FILE.write_text(page(), "utf-8")
    return 0


def _parts(module: ModuleType) -> Iterator[str]:
    yield f"## {_name(module)}"
    yield from _docstring(module)
    model = getattr(module, "Configuration", None)
    if model is not None:
        rows = ["| credential | | |", "|---|---|---|", *map(_row, keys_of(model))]
        yield "\n".join(rows)
    yield from _contents(module)
    for name in _public_names(module):
        member = getattr(module, name)
        yield f"### {_name(module)}.{name}"
        if inspect.isfunction(member):
            yield f"```python\n{_signature(name, member)}\n```"
        yield from _docstring(member)


def _contents(module: ModuleType) -> Iterator[str]:
    """Yield a list of links for operations, and one for the others."""
    names = _public_names(module)
    operations = [name for name in names if _is_operation(getattr(module, name))]
    others = [name for name in names if name not in operations]
    for title, listed in (("Operations", operations), ("Values, functions and classes", others)):
        if listed:
            links = (f"[`{name}`](#{_name(module)}{name.lower()})" for name in listed)
            yield f"{title}: {', '.join(links)}."


def _is_operation(member: Any) -> bool:
    return getattr(member, "__annotations__", {}).get("return") in {"State", "Operation"} and (
        member is not next_state
    )


def _public_names(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None) or [
        name
        for name, member in vars(module).items()
        if inspect.isfunction(member) and member.__module__ == module.__name__ and name[0] != "_"
    ]
    members = {name: getattr(module, name) for name in names if name != "Configuration"}
    return [
        name
        for name, member in members.items()
        if inspect.isfunction(member) or inspect.isclass(member)
    ]


def _row(key: CredentialKey) -> str:
    flags = ["required" if key.required else "", "secret" if key.secret else ""]
    default = key.default
    default_text = "" if default is None or key.secret else f" Default: `{default}`."
    stop = "" if key.description.endswith((".", "…")) else "."
    description = f"{key.description}{stop}{default_text}".replace("|", "\\|")
    return f"| `{key.name}` | {', '.join(filter(None, flags))} | {description} |"


def _signature(name: str, function: Any) -> str:
    parameters = list(inspect.signature(function).parameters.values())
    if hasattr(function, "__wrapped__") and parameters and parameters[0].name == "state":
        parameters = parameters[1:]  # a job does not pass it
    parts = [_parameter(parameter) for parameter in parameters]
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        parts.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    if len(", ".join(parts)) + len(name) < _MAX_SIGNATURE:
        return f"{name}({', '.join(parts)})"
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), ")"])


def _parameter(parameter: inspect.Parameter) -> str:
    text = str(parameter.replace(annotation=parameter.empty))
    # A default without a Python literal, such as `object()`, only marks a missing argument.
    return re.sub("=<.*>$", "=…", text)


def _docstring(documented: Any) -> Iterator[str]:
    block: list[str] = []
    for part in DocTestParser().parse(inspect.getdoc(documented) or ""):
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


def _name(module: ModuleType) -> str:
    return module.__name__.removeprefix("adaptors.")


def _summary(module: ModuleType) -> str:
    return " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())


if __name__ == "__main__":
    sys.exit(main())
