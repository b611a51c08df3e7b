"""The log lines of a stack's functions in CloudWatch."""

from __future__ import annotations

from openfn import ids
from workbench.stack import local
from workbench.stack.clients import of_stack

_LOG_GROUPS = ("InboxLogs", "MatcherLogs", "RunnerLogs")


def read(stack: str, run_id: str) -> list[str]:
    """Return the log lines about a run and its message, oldest first."""
    if local.active():
        return []  # `ofn serve` prints them and stores none
    cloudformation, logs = of_stack("cloudformation"), of_stack("logs")
    since = int(ids.received_at(run_id).timestamp() * 1000)
    lines: list[tuple[int, str]] = []
    for group in _LOG_GROUPS:
        resource = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=group)
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=name, filterPattern=f'"{ids.source_id_of(run_id)}"', startTime=since
        )
        lines += [
            (event["timestamp"], event["message"].strip())
            for page in pages
            for event in page["events"]
        ]
    return [line for _, line in sorted(lines)]
