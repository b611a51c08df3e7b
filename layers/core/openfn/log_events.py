"""The texts of all log messages; saved queries and dashboards filter by them."""

from __future__ import annotations

from enum import StrEnum


class LogEvent(StrEnum):
    """What a log line reports, in the order in which a message meets the functions."""

    MESSAGE_STORED = "message kept"
    MESSAGE_UNREADABLE = "message unreadable"
    MESSAGE_REFUSED = "message refused"
    QUERY_IGNORED = "query ignored"
    MESSAGE_NOT_STORED = "message not kept"

    MESSAGE_MATCHED = "message matched"
    MESSAGE_UNMATCHED = "message unmatched"
    MESSAGE_UNMATCHABLE = "message unmatchable"
    MESSAGE_NOT_MATCHED = "message not matched"
    RUN_NOT_QUEUED = "run not queued"

    RUN_DUE = "run due"
    RUNS_QUEUED_AGAIN = "runs queued again"
    MESSAGES_QUEUED_LATE = "messages queued late"
    ORPHANS_QUEUED = "strays queued"
    TICK_FAILED = "tick not handled"

    RUN_SUCCEEDED = "run succeeded"
    RUN_FAILED = "run failed"
    RUN_WAITING = "run waiting"
    RUN_NOT_EXECUTED = "run not executed"
    RUN_FAILED_UNEXPECTEDLY = "run failed in the runner"
    RUN_FOLLOWS = "run follows"
    MESSAGES_EMITTED = "messages emitted"
    CIRCUIT_OPEN = "circuit open"
    ERASED = "erased"
