"""Secrets in the states of a run: find them, and store references instead of them.

Only the resume state has references: its copies of the configuration, and its strings that equal a
long secret, are restored from the credential when the run resumes. It is stored as a JSON array
then, `[state, [[path in the state, path in the credential], …]]`; without references it is the
state itself. All other states and messages are data, which is stored as it is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import reduce
from typing import Any

from openfn.errors import ProjectError
from openfn.jobs.secret_values import Path, secrets_of
from openfn.jobs.state import State

_LONG = 8
_CONFIGURATION = "configuration"
_MAX_PATHS = 10


class SecretReferences:
    """Finds the secrets of one credential in JSON."""

    def __init__(
        self, configuration: Mapping[str, Any], fields: Collection[tuple[str, ...]] = ()
    ) -> None:
        """Copy a credential, whose model declares `fields` (paths) as secret."""
        # A job can change its configuration.
        self._configuration: dict[str, Any] = json.loads(json.dumps(dict(configuration)))
        self._secrets = secrets_of(self._configuration, fields)
        self._paths = {
            secret.value: secret.path
            for secret in reversed(self._secrets)
            if isinstance(secret.value, str) and len(secret.value) >= _LONG
        }

    def seal(self, state: bytes) -> bytes:
        """Return a resume state in which references replace secrets."""
        parsed, references = json.loads(state), []
        for container, key, path, source in self._occurrences(parsed):
            container[key] = None
            references.append((path, source))
        return json.dumps([parsed, references]).encode() if references else state

    def restore(self, content: bytes) -> State:
        """Return the resume state with its secrets; one of an earlier release has no references.

        Raises `ProjectError` if the credential does not have them any more.
        """
        parsed: Any = json.loads(content)
        if isinstance(parsed, dict):
            return parsed
        state, references = parsed
        for path, source in references:
            *containers, key = path
            _at(state, containers)[key] = self._value_at(source)
        restored: State = state
        return restored

    def without_configuration(self, state: bytes) -> bytes:
        """Return a state without the copies of the configuration in it."""
        keys = {_CONFIGURATION, next(iter(self._configuration), _CONFIGURATION)}
        if not any(json.dumps(key).encode() in state for key in keys):
            return state
        parsed = json.loads(state)
        copies = [item for item in self._occurrences(parsed) if item[3] == ()]
        for container, key, _, _ in copies:
            del container[key]
        return json.dumps(parsed, separators=(",", ":")).encode() if copies else state

    def warnings(self, name: str, content: str) -> Iterator[str]:
        """Yield a line for each string in JSON that equals a secret, with its path."""
        forms = [json.dumps(value, ensure_ascii=e) for value in self._paths for e in (True, False)]
        if not any(form[1:-1] in content for form in forms):
            return
        parsed = json.loads(content)
        root = parsed if isinstance(parsed, dict | list) else [parsed]
        paths = [(path, source) for _, _, path, source in self._occurrences(root) if source]
        for path, source in paths[:_MAX_PATHS]:
            secret = _display(source)
            yield (
                f"warning: {name} has the credential's {secret} at {_display(path)}. "
                "It is stored as it is."
            )
        if len(paths) > _MAX_PATHS:
            yield f"warning: {name} has secrets at {len(paths) - _MAX_PATHS} more paths."

    def _occurrences(self, root: Any) -> Iterator[tuple[Any, str | int, Path, Path]]:
        """Yield container, key and path of each secret, and its path in the credential."""
        waiting: list[tuple[Any, Path]] = [(root, ())]
        while waiting:
            container, path = waiting.pop()
            items = container.items() if isinstance(container, dict) else enumerate(container)
            for key, value in list(items):
                if isinstance(value, str) and value in self._paths:
                    yield container, key, (*path, key), self._paths[value]
                elif self._is_copy(key, value) and isinstance(container, dict):
                    yield container, key, (*path, key), ()
                elif isinstance(value, dict | list):
                    waiting.append((value, (*path, key)))

    def _is_copy(self, key: str | int, value: Any) -> bool:
        """Return whether a value is the configuration; as `configuration`, also a changed one."""
        if not self._configuration or not isinstance(value, dict):
            return False
        if key != _CONFIGURATION:
            return bool(self._secrets) and value == self._configuration
        same = (_at(value, secret.path) == secret.value for secret in self._secrets)
        return value == self._configuration or any(same)

    def _value_at(self, path: list[str | int]) -> Any:
        value = _at(self._configuration, path)
        if value is None:
            raise ProjectError(
                f"The run cannot resume: its credential has no {_display(path)} any more. Set it "
                "with `ofn credential set`, or replay the run from its beginning."
            )
        return value


def _at(value: Any, path: Path | list[str | int]) -> Any:
    """Return the value at a path; `None` if there is nothing."""

    def step(container: Any, key: str | int) -> Any:
        try:
            return container[key]
        except (KeyError, IndexError, TypeError):
            return None

    return reduce(step, path, value)


def _display(path: Path | list[str | int]) -> str:
    return ".".join(str(step) if str(step).isprintable() else repr(step) for step in path)
