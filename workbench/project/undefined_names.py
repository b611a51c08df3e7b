"""Find names in a job's code that nothing defines, with the compiler's own symbol tables.

Loading a job runs only its top level, so a misspelled name inside a function would stop a run.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from importlib import import_module
from importlib.util import decode_source
from symtable import SymbolTable
from types import ModuleType

from workbench.project.similar_names import how_to_define

_OF_MODULES = {"__name__", "__file__", "__doc__", "__spec__", "__package__", "__annotations__"}


def undefined_names(code: bytes) -> Iterator[tuple[int, str]]:
    """Yield line and message for each use of a name that is not defined anywhere."""
    tree = ast.parse(code)
    imported = _star_imports(tree)
    if imported is None:
        return
    top = symtable.symtable(decode_source(code), "job", "exec")
    defined = {symbol.get_name() for symbol in top.get_symbols() if _is_defined(symbol)}
    defined |= {name for table in _below(top) for name in _globals_set_by(table)}
    used = {
        symbol.get_name()
        for table in [top, *_below(top)]
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is top or symbol.is_global())
    }
    unknown = used - defined - imported - set(dir(builtins)) - _OF_MODULES
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in unknown:
            yield node.lineno, f"`{node.id}` is not defined. {_fix(node.id)}"


def _star_imports(tree: ast.Module) -> set[str] | None:
    """Return the names that `from module import *` defines; `None` if a module is unknown."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            module = _import(node)
            if module is None:
                return None
            public = (name for name in vars(module) if not name.startswith("_"))
            names.update(getattr(module, "__all__", public))
    return names


def _import(node: ast.ImportFrom) -> ModuleType | None:
    if node.level or node.module is None:
        return None
    try:
        return import_module(node.module)
    except Exception:
        return None  # the job cannot be loaded either, which is reported with its reason


def _fix(name: str) -> str:
    return how_to_define(name) or "Is it spelled correctly and imported?"


def _below(table: SymbolTable) -> Iterator[SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)


def _is_defined(symbol: symtable.Symbol) -> bool:
    kinds = (symbol.is_assigned(), symbol.is_imported(), symbol.is_annotated())
    return any(kinds) or symbol.is_namespace()


def _globals_set_by(table: SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_declared_global() and symbol.is_assigned():
            yield symbol.get_name()
