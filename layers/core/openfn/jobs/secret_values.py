"""Select the values of a credential that are secret.

They are the fields that the adaptor's credential model declares as `Secret`, the values whose key
has the name of a secret, and the passwords inside URLs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

from openfn.storage.redaction import is_secret_name

Path = tuple[str | int, ...]
SHORTEST = 4
"""A secret with fewer characters cannot be masked: it is part of too many other words."""
_USER_INFO = re.compile(r"://[^:/?#\s]*:([^/?#\s]+)@")
_PARAMETER = re.compile(r"[?&]([^=&#\s]+)=([^&#\s]+)")


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret text or number, and the keys that lead to it."""

    path: Path
    value: str | int | float

    @property
    def name(self) -> str:
        """The path with dots: `tls.key`."""
        return ".".join(map(str, self.path))

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts as which the value is written; a number may have commas."""
        if isinstance(self.value, str):
            return (self.value.strip(),)
        return str(self.value), f"{self.value:,}", f"{self.value:f}".rstrip("0").rstrip(".")


def secrets_of(
    configuration: Mapping[str, Any], fields: Collection[tuple[str, ...]] = ()
) -> list[SecretValue]:
    """Return the secrets of a credential; `fields` are the paths that its model declares secret."""
    return list(_secrets(configuration, (), frozenset(fields), is_secret=False))


def passwords_in_urls(value: Any) -> Iterator[str]:
    """Yield the passwords and secret parameters of the URLs in a credential, as sent and decoded.

    >>> list(passwords_in_urls({"uri": "postgres://amina:pa%20ss@db/x"}))
    ['pa%20ss', 'pa ss']
    """
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from passwords_in_urls(part)
    elif isinstance(value, str) and "://" in value:
        for password in _USER_INFO.findall(value):
            yield from dict.fromkeys((password, unquote(password)))
        for name, parameter in _PARAMETER.findall(value):
            if is_secret_name(unquote_plus(name)):
                yield from dict.fromkeys((parameter, unquote_plus(parameter)))


def _secrets(
    value: Any, path: Path, fields: frozenset[tuple[str, ...]], *, is_secret: bool
) -> Iterator[SecretValue]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            inner = (*path, str(key))
            keys = tuple(step for step in inner if isinstance(step, str))
            named = is_secret or keys in fields or is_secret_name(str(key))
            yield from _secrets(part, inner, fields, is_secret=named)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _secrets(part, (*path, number), fields, is_secret=is_secret)
    elif is_secret and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield SecretValue(path, value)
