"""A made-up credential that an adaptor takes, for where nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any, get_args

from workbench.credentials.fields import Key, Model, inserted, keys, mistakes, model, understood
from workbench.project.schema.project import ProjectWritten

_ADDRESS = re.compile("url|uri|host|server|address|domain", re.IGNORECASE)
_MOST_OPTIONAL = 3


def credential(project: ProjectWritten, name: str | None) -> dict[str, Any]:
    """Make up the body of a project's credential; its address has the credential's name."""
    if name is None:
        return {}
    return configuration(project.credentials[name].adaptor, f"https://{name}.invalid")


def configuration(adaptor: str, address: str = "") -> dict[str, Any]:
    """Make up a credential that an adaptor takes; it leads to an address, or nowhere."""
    return fitting(model(adaptor), address or f"https://{adaptor.replace('_', '-')}.invalid")


def fitting(of: Model, address: str) -> dict[str, Any]:
    """Make up the smallest credential that leads to an address and that fits a model.

    An optional key is filled where the model wants one of several, and where it is an address.
    A key's own `examples` go before what is made up here.
    """
    leaves = [key for key in keys(of) if not key.holds]
    needed = [key for key in leaves if key.required]
    addresses = [key for key in leaves if not key.required and _ADDRESS.search(key.name)]
    others = [key for key in leaves if not key.required and key not in addresses]
    for size in range(_MOST_OPTIONAL + 1):
        for also in combinations(others, size):
            for some in (addresses, []):
                body = _filled([*needed, *some, *also], address)
                if not mistakes(of, body):
                    return body
    return _filled(needed, address)


def _filled(chosen: Sequence[Key], address: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for key in chosen:
        body = inserted(body, key.path, _value(key, address))
    return body


def _value(key: Key, address: str) -> Any:
    if key.field.examples:
        return key.field.examples[0]
    for text in (*_addresses(key, address), "placeholder", "1", "true", "[]", "{}"):
        try:
            return understood(key, text)
        except ValueError:
            continue
    return next((each for each in get_args(key.field.annotation)), "placeholder")


def _addresses(key: Key, address: str) -> list[str]:
    if not _ADDRESS.search(key.path[-1]):
        return []
    host = re.sub("^[a-z]+://|[:/].*$", "", address)
    named = re.search("ur[li]", key.path[-1], re.IGNORECASE) or "://" in key.description
    return [address, host] if named else [host, address]
