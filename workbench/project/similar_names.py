"""Suggest the name that a person probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module

import adaptors


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean …?` for the most similar name, or "".

    OpenFn's names in camel case are similar to ours with underscores.

    >>> suggestion("dataValue", ["data_value", "fields"])
    'Did you mean `data_value`?'
    """
    plain: dict[str, str] = {}
    for candidate in known:
        plain.setdefault(_plain(candidate), candidate)
    similar = get_close_matches(_plain(name), plain, 1, 0.75)
    return f"Did you mean `{plain[similar[0]]}`?" if similar else ""


def suggestion_for_error(text: str) -> str:
    """Return the suggestion for the text of a NameError or an ImportError, or ""."""
    match = re.search(r"cannot import name '(\w+)' from '(adaptors[\w.]*)'", text)
    return suggestion(match[1], dir(import_module(match[2]))) if match else ""


def how_to_define(name: str) -> str:
    """Return how to define a name that a job uses: an import, or the name that was meant."""
    operations = names_of_adaptors()
    if name in operations:
        return f"Write `from adaptors.{operations[name]} import {name}`."
    return suggestion(name, operations)


@cache
def names_of_adaptors() -> dict[str, str]:
    """Return the adaptor of each public name, the common ones first."""
    names: dict[str, str] = {}
    for adaptor in ("common", "http", *adaptors.names()):
        module = import_module(f"adaptors.{adaptor}")
        for name, value in vars(module).items():
            is_ours = str(getattr(value, "__module__", "")).startswith("adaptors.")
            if is_ours and callable(value) and not name.startswith("_"):
                names.setdefault(name, adaptor)
    return names


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
