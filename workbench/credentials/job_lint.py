"""Warn about jobs whose operations cannot work with their credential."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import adaptors
from openfn.jobs.javascript import SUFFIX
from workbench.credentials.fields import keys_of, model_of
from workbench.project.schema.project import JobSpec, ProjectSpec
from workbench.project.yaml_source import Problem

# The operations of HTTP, with the position of their path.
_HTTP = {"get": 0, "post": 0, "put": 0, "patch": 0, "delete": 0, "request": 1}


def warnings(directory: Path, project: ProjectSpec) -> Iterator[Problem]:
    """Yield a warning for each import of operations that need another credential.

    And one for each relative path of a job whose credential has no address for it.
    """
    for name, job in project.jobs.items():
        if Path(job.expression).suffix == SUFFIX:
            continue
        tree = ast.parse((directory / job.expression).read_bytes())
        operations = dict(_imported_operations(tree))
        for line, message in _messages(name, job, project, operations, tree):
            yield Problem(job.expression, line, message)


def _messages(
    name: str,
    job: JobSpec,
    project: ProjectSpec,
    operations: dict[str, tuple[str, str, int]],
    tree: ast.Module,
) -> Iterator[tuple[int, str]]:
    credential = project.credentials[job.credential].adaptor if job.credential else None
    lines = {adaptor: line for adaptor, _, line in reversed(operations.values())}
    for adaptor, line in lines.items():
        if adaptor in ("http", credential):
            continue  # paths are checked below
        if credential is None:
            yield line, f"The job {name} uses the adaptor {adaptor} but has no `credential`."
        else:
            other = f"its credential {job.credential} is for the adaptor {credential}"
            yield line, f"The job {name} uses the adaptor {adaptor}, but {other}."
    if credential is None:
        reason = f"the job {name} has no `credential`"
        yield from _relative_paths(reason, operations, tree)
    elif not any(key.name == "baseUrl" for key in keys_of(model_of(credential))):
        reason = f"a credential of the adaptor {credential} has no `baseUrl`"
        yield from _relative_paths(reason, operations, tree)


def _relative_paths(
    reason: str, operations: dict[str, tuple[str, str, int]], tree: ast.Module
) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        adaptor, operation, _ = operations.get(ast.unparse(node.func), ("", "", 0))
        arguments = node.args[_HTTP[operation] :] if adaptor == "http" else []
        path = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else None
        if isinstance(path, str) and "://" not in path:
            problem = f"`{path}` is no complete URL, and {reason}."
            yield node.lineno, f"{problem} Write https://…, or add a credential with a `baseUrl`."


def _imported_operations(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str, int]]]:
    """Yield each name under which a job calls an operation that needs a credential.

    With its adaptor, its own name and the line of the import.
    """
    known = adaptors.names()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.level:
            continue
        _, _, adaptor = (node.module or "").partition("adaptors.")
        for alias in node.names:
            called = alias.asname or alias.name
            if node.module == "adaptors" and alias.name in known:
                for name in _operations_of(alias.name):
                    yield f"{called}.{name}", (alias.name, name, node.lineno)
            elif adaptor in known and alias.name in _operations_of(adaptor):
                yield called, (adaptor, alias.name, node.lineno)


def _operations_of(adaptor: str) -> set[str]:
    if adaptor == "http":
        return {*_HTTP}
    module = import_module(f"adaptors.{adaptor}")
    if not hasattr(module, "Configuration"):
        return set()
    return {name for name, value in vars(module).items() if _is_operation(value)}


def _is_operation(value: object) -> bool:
    wrapped = getattr(value, "__wrapped__", None)
    return wrapped is not None and "state" in inspect.signature(wrapped).parameters
