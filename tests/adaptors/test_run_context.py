"""What adaptors do when an attempt ends."""

from __future__ import annotations

import pytest

from adaptors._runtime import run_context
from adaptors._runtime.run_context import UnitOfWork
from adaptors.errors import RemoteUnavailable


class Work:
    """Work of an adaptor, which adds its end to a shared list."""

    def __init__(self, name, ended, fails=None):
        self.name, self.ended, self.fails, self.pending = name, ended, fails, True

    def commit(self):
        if self.fails:
            raise self.fails
        self.ended.append(f"{self.name} committed")

    def rollback(self):
        self.ended.append(f"{self.name} rolled back")
        if self.fails:
            raise self.fails

    def begin(self):
        return run_context.on_attempt_end(
            UnitOfWork(self.commit, self.rollback, lambda: self.pending)
        )


def attempt(*works, error=None):
    with run_context.attempt() as pending:
        pending_after_each = [(work.begin(), pending()) for work in works]
        if error:
            raise error
    return pending_after_each


def test_nothing_is_registered_outside_of_an_attempt():
    assert Work("a", []).begin() is False


def test_work_is_pending_until_it_is_committed_in_order():
    ended = []
    assert attempt(Work("a", ended), Work("b", ended)) == [(True, True)] * 2
    assert ended == ["a committed", "b committed"]
    assert Work("c", ended).begin() is False


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failed_attempt_rolls_back_even_after_a_failed_rollback(error):
    ended = []
    with pytest.raises(error):
        attempt(Work("a", ended), Work("b", ended, OSError()), error=error())
    assert sorted(ended) == ["a rolled back", "b rolled back"]


def test_interrupted_rollback_does_not_prevent_the_others():
    ended = []
    with pytest.raises(KeyboardInterrupt):
        attempt(Work("a", ended), Work("b", ended, KeyboardInterrupt()), error=ValueError())
    assert sorted(ended) == ["a rolled back", "b rolled back"]


def test_failed_commit_fails_the_attempt_and_rolls_back_the_rest():
    ended = []
    with pytest.raises(RemoteUnavailable):
        attempt(Work("a", ended), Work("b", ended, RemoteUnavailable("lost")), Work("c", ended))
    assert ended[0] == "a committed"
    assert sorted(ended[1:]) == ["b rolled back", "c rolled back"]


def test_nothing_is_pending_without_uncommitted_work():
    work = Work("a", [])
    work.pending = False
    assert attempt(work) == [(True, False)]
