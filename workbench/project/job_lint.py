"""Lint a job's code for problems that loading it does not show."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from workbench.project.references import describe_unknown

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def operations_not_run(code: bytes) -> Iterator[tuple[int, str]]:
    """Yield line and message for each operation that a function creates and drops."""
    tree = ast.parse(code)
    imported = dict(_adaptor_imports(tree))
    for function in ast.walk(tree):
        if not isinstance(function, _FUNCTIONS):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                name = ast.unparse(node.value.func)
                first, _, attribute = name.partition(".")
                # Only modules have operations: `fields` in `fields.append(…)` is a variable.
                if first in imported and (imported[first] or not attribute):
                    problem = f"`{name}(…)` inside a function is an operation that never runs."
                    yield node.lineno, f"{problem} Write `{name}(…)(state)`."


def unknown_inboxes(code: bytes, inboxes: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield line and message for each `emit` to an inbox that does not exist."""
    tree = ast.parse(code)
    aliases = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "adaptors.common"
        for alias in node.names
        if alias.name == "emit"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in aliases:
            keywords = (keyword.value for keyword in node.keywords if keyword.arg == "inbox")
            for argument in (*node.args[:1], *keywords):
                name = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(name, str) and name not in inboxes:
                    yield node.lineno, describe_unknown("inbox", name, inboxes)


def _adaptor_imports(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Yield each name imported from the adaptors, and whether it is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "adaptors":
            for alias in node.names:
                is_module = node.module == "adaptors" or alias.name == "http"
                yield alias.asname or alias.name, is_module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "adaptors":
                    yield alias.asname or "adaptors", True
