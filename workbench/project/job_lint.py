"""What is wrong with a job's code that loading it does not show."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def unrun(code: bytes) -> Iterator[tuple[int, str]]:
    """Tell of each operation that a function makes and drops: line and words."""
    tree = ast.parse(code)
    imported = dict(_imported(tree))
    for function in ast.walk(tree):
        if not isinstance(function, _FUNCTIONS):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                name = ast.unparse(node.value.func)
                first, _, attribute = name.partition(".")
                # Only modules have operations: in `fields.append(…)` it is a variable's own name.
                if first in imported and (imported[first] or not attribute):
                    what = f"{name}(…) in a function is made and never run; "
                    yield node.lineno, f"{what}write {name}(…)(state)"


def emitted_nowhere(code: bytes, inboxes: Collection[str]) -> Iterator[tuple[int, str]]:
    """Tell of each `emit` that names an inbox the project does not have: line and words."""
    tree = ast.parse(code)
    called = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "adaptors.common"
        for alias in node.names
        if alias.name == "emit"
    }
    there = ", ".join(inboxes) or "none yet"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in called:
            given = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "inbox")]
            for inbox in given:
                name = inbox.value if isinstance(inbox, ast.Constant) else None
                if isinstance(name, str) and name not in inboxes:
                    yield node.lineno, f"there is no inbox `{name}`; there is {there}"


def _imported(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Give each name that comes from the adaptors, and whether it is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "adaptors":
            for alias in node.names:
                module = node.module == "adaptors" or alias.name == "http"
                yield alias.asname or alias.name, module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "adaptors":
                    yield alias.asname or "adaptors", True
