"""What adaptors do when an attempt ends."""

from __future__ import annotations

import pytest

from adaptors._runtime import run_context
from adaptors._runtime.run_context import UnitOfWork
from adaptors.errors import RemoteUnavailable


class Work:
    """Something an adaptor has begun, which notes how it ended in a list it shares."""

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
        found = [(work.begin(), pending()) for work in works]
        if error:
            raise error
    return found


def test_outside_of_an_attempt_nothing_is_ended():
    assert Work("a", []).begin() is False


def test_what_was_begun_is_committed_in_its_order_and_pending_until_then():
    ended = []
    assert attempt(Work("a", ended), Work("b", ended)) == [(True, True)] * 2
    assert ended == ["a committed", "b committed"]
    assert Work("c", ended).begin() is False


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_attempt_that_fails_is_rolled_back_whatever_one_rollback_says(error):
    ended = []
    with pytest.raises(error):
        attempt(Work("a", ended), Work("b", ended, OSError()), error=error())
    assert sorted(ended) == ["a rolled back", "b rolled back"]


def test_a_rollback_that_is_stopped_does_not_keep_the_others_from_theirs():
    ended = []
    with pytest.raises(KeyboardInterrupt):
        attempt(Work("a", ended), Work("b", ended, KeyboardInterrupt()), error=ValueError())
    assert sorted(ended) == ["a rolled back", "b rolled back"]


def test_a_commit_that_fails_fails_the_attempt_and_the_rest_is_rolled_back():
    ended = []
    with pytest.raises(RemoteUnavailable):
        attempt(Work("a", ended), Work("b", ended, RemoteUnavailable("lost")), Work("c", ended))
    assert ended[0] == "a committed"
    assert sorted(ended[1:]) == ["b rolled back", "c rolled back"]


def test_nothing_is_pending_where_nothing_waits_for_its_commit():
    work = Work("a", [])
    work.pending = False
    assert attempt(work) == [(True, False)]
