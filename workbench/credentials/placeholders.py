"""Placeholder credentials that an adaptor accepts, for dry runs and tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any, get_args

from workbench.credentials.fields import (
    CredentialKey,
    Model,
    describe_problems,
    keys_of,
    model_of,
    parse_value,
    with_value,
)
from workbench.project.schema.project import ProjectSpec

_ADDRESS = re.compile("url|uri|host|server|address|domain", re.IGNORECASE)
_MAX_OPTIONAL_KEYS = 3
_NO_SERVER = "no-server.invalid"


def credential(project: ProjectSpec, name: str | None) -> dict[str, Any]:
    """Return a placeholder for a project's credential, with its name in the address."""
    if name is None:
        return {}
    return configuration(project.credentials[name].adaptor, f"https://{name}.invalid")


def configuration(adaptor: str, address: str = "") -> dict[str, Any]:
    """Return a placeholder credential for an adaptor, by default with an invalid address."""
    address = address or f"https://{adaptor.replace('_', '-')}.invalid"
    return placeholder_for(model_of(adaptor), address)


def placeholder_for(model: Model, address: str) -> dict[str, Any]:
    """Return the smallest placeholder credential with an address that a model accepts.

    An optional key has a value if the model needs one of several, if it is an address, and if it
    has `examples`, which are used first.
    """
    keys = [key for key in keys_of(model) if not key.nested]
    required = [key for key in keys if key.required]
    addresses = [key for key in keys if _is_optional_address(key)]
    required += [key for key in keys if not key.required and key.field.examples]
    others = [key for key in keys if key not in required and key not in addresses]
    for size in range(_MAX_OPTIONAL_KEYS + 1):
        for optional in combinations(others, size):
            for optional_addresses in (addresses, []):
                body = _filled([*required, *optional_addresses, *optional], address)
                if not describe_problems(model, body):
                    return body
    return _filled(required, address)


def _is_optional_address(key: CredentialKey) -> bool:
    # An address inside an optional part, such as that of a token, would need the rest of the part.
    return not key.required and len(key.path) == 1 and bool(_ADDRESS.search(key.name))


def _filled(keys: Sequence[CredentialKey], address: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for key in keys:
        body = with_value(body, key.path, _value_for(key, address))
    return body


def _value_for(key: CredentialKey, address: str) -> Any:
    if key.field.examples:
        return key.field.examples[0]
    # Another text for a secret: it is masked wherever it is shown.
    placeholder = "secret-placeholder" if key.secret else "placeholder"
    for text in (*_addresses(key, address), placeholder, "1", "true", "[]", "{}"):
        try:
            return parse_value(key, text)
        except ValueError:
            continue
    return next(iter(get_args(key.field.annotation)), "placeholder")


def _addresses(key: CredentialKey, address: str) -> list[str]:
    if not _ADDRESS.search(key.path[-1]):
        return []
    host = re.sub("^[a-z]+://|[:/].*$", "", address)
    if re.search(r":\d+", address):
        host = _NO_SERVER  # the host without its port would be another server
    is_url = re.search("ur[li]", key.path[-1], re.IGNORECASE) or "://" in key.description
    return [address, host] if is_url else [host, address]
