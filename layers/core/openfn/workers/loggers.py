"""Restore the loggers that a job has configured: levels, handlers, filters and the like."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

_State = tuple[int, bool, bool, list[Any], list[Any]]


class Loggers:
    """The loggers of this process, as they are between runs."""

    def __init__(self) -> None:
        self._before = {logger.name: _state(logger) for logger in _existing()}

    def restore(self) -> None:
        """Give each logger back the state that it had; a new one gets that of a new logger."""
        for logger in _existing():
            before = self._before.get(logger.name) or (logging.NOTSET, True, False, [], [])
            if _state(logger) != before:
                level, logger.propagate, logger.disabled, handlers, filters = before
                logger.setLevel(level)
                logger.handlers[:], logger.filters[:] = handlers, filters
        logging.disable(logging.NOTSET)


def _existing() -> Iterator[logging.Logger]:
    yield logging.root
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):  # not a placeholder
            yield logger


def _state(logger: logging.Logger) -> _State:
    handlers, filters = list(logger.handlers), list(logger.filters)
    return logger.level, logger.propagate, logger.disabled, handlers, filters
