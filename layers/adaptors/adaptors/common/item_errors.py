"""Errors of the items of a list: each names its item, and the others may continue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adaptors._runtime.item_progress import Frame, State, remove_frames, snapshot
from adaptors._runtime.state_changes import relative
from adaptors.errors import AdaptorError, Verdict

# Keys by which sources and destinations identify a record.
_ID_KEYS = (
    *("_uuid", "uuid", "_id", "id", "@id", "@case_id", "case_id", "external_id", "__id"),
    *("Id", "ID", "KEY", "instanceID", "trackedEntity", "enrollment", "event", "uid", "code"),
)
_MAX_CHARACTERS = 64
_MAX_LISTED = 20


class ItemsFailed(AdaptorError):
    """Some items of a list failed; it is retryable only if all their errors are."""

    def __init__(self, message: str, verdict: Verdict, retry_after: float | None) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.retry_after = retry_after


class ItemErrors:
    """Names the item in each error; with `continues`, collects the errors of all items."""

    def __init__(self, *, continues: bool = False) -> None:
        self.continues = continues
        self._errors: list[tuple[str, Exception]] = []
        self._start: State = {}
        self.frames: dict[str, list[Frame]] = {}
        """Where each item that failed resumes, by its index."""

    def begin(self, state: State) -> None:
        """Remember the state before an item."""
        if self.continues:
            self._start = snapshot(state)

    @contextmanager
    def catch(self, number: int, item: Any, operations: object = None) -> Iterator[None]:
        """Name the item in an error, and raise or collect it."""
        name = f"{number + 1}{_id_of(item)}"
        try:
            yield
        except Exception as error:
            error.add_note(f"In item {name}")
            if not self.continues:
                raise
            print(f"Item {name} failed: {type(error).__name__}: {error}")
            self._errors.append((name, error))
            self.add(number, error, operations)

    def add(self, number: int, error: BaseException, operations: object) -> int:
        """Store where an item resumes; return how many messages were emitted before that."""
        frames, emitted = remove_frames(error, operations)
        self.frames[str(number)] = relative(frames, self._start)
        return emitted

    def raise_if_any(self) -> None:
        """Raise one error for all that were collected."""
        if not self._errors:
            return
        listed = ", ".join(name for name, _ in self._errors[:_MAX_LISTED])
        if len(self._errors) > _MAX_LISTED:
            listed += f" and {len(self._errors) - _MAX_LISTED} more"
        errors = [error for _, error in self._errors]
        delays = [delay for error in errors if (delay := getattr(error, "retry_after", None))]
        raise ItemsFailed(
            f"{len(errors)} items failed: {listed}. All others were applied. The first error is "
            f"{type(errors[0]).__name__}: {errors[0]}",
            _verdict_of(errors),
            max(delays, default=None),
        ) from errors[0]


def _id_of(item: Any) -> str:
    for key in _ID_KEYS if isinstance(item, dict) else ():
        value = item.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return f" ({key} {str(value)[:_MAX_CHARACTERS]})"
    return ""


def _verdict_of(errors: list[Exception]) -> Verdict:
    verdicts = [getattr(error, "verdict", Verdict.AUTHOR) for error in errors]
    for verdict in (Verdict.AUTHOR, Verdict.REMOTE):
        if verdict in verdicts:
            return verdict
    return Verdict.RETRYABLE
