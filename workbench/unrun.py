"""Operations that a job makes inside a function and never runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def unrun(code: bytes) -> Iterator[tuple[int, str]]:
    """Give line and name of each call of an adaptor, in a function, whose operation is dropped."""
    tree = ast.parse(code)
    names = set(_imported(tree))
    for function in ast.walk(tree):
        if not isinstance(function, _FUNCTIONS):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                name = ast.unparse(node.value.func)
                if name.partition(".")[0] in names:
                    yield node.lineno, name


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "adaptors":
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "adaptors":
                    yield alias.asname or "adaptors"
