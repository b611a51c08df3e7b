"""Lint a job's code for problems that loading it does not show."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence

from workbench.project.references import describe_unknown

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_READ_ITEMS = {"each", "map", "group", "merge", "join"}
# Operations of `adaptors.common` after which `data` is as it was before.
_LEAVE_DATA = {"each", "as_", "log", "emit", "assert_", "cursor", "validate"}


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


def members_of_groups(code: bytes) -> Iterator[tuple[int, str]]:
    """Yield line and message for each `[*]` on the dict that `group` has just made."""
    tree = ast.parse(code)
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "adaptors.common"
        for alias in node.names
    }
    statements = [node.value for node in tree.body if isinstance(node, ast.Expr)]
    for line, name, path in _grouped_members(statements, names):
        problem = f"`{name}({path!r}, …)` after `group` has one item: the dict of all groups."
        yield line, f"{problem} For one item a group, write `{name}(values(), …)`."


def _grouped_members(
    calls: Sequence[ast.expr], names: Mapping[str, str]
) -> Iterator[tuple[int, str, str]]:
    """Yield line, name and path of the calls that read members of a group, in a sequence."""
    grouped = False
    for call in calls:
        if not isinstance(call, ast.Call):
            continue
        name = names.get(ast.unparse(call.func), "")
        yield from _grouped_members(call.args, names)
        if grouped:
            yield from _member_paths(call, names)
        grouped = name == "group" or (grouped and name in _LEAVE_DATA)


def _member_paths(call: ast.Call, names: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    name = ast.unparse(call.func)
    source = call.args[0] if call.args and names.get(name) in _READ_ITEMS else None
    if isinstance(source, ast.Constant) and str(source.value).startswith("[*]"):
        yield call.lineno, name, str(source.value)
    elif isinstance(source, ast.Call):
        yield from _member_paths(source, names)


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
