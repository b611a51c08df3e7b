"""Fixtures of the tests of JavaScript jobs."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def utc(monkeypatch):
    """The time zone of this process is UTC, as where jobs run."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
