"""Cron triggers: a job runs once in every due minute and carries its state to the next run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import EndpointConnectionError

from openfn import ids
from openfn.errors import NotClaimed, NotQueued
from openfn.history import details
from openfn.log_events import LogEvent
from openfn.project.triggers import CronTrigger, Kind
from openfn.runs import cron as clock
from openfn.runs import cron_state, dispatch, outcomes
from openfn.runs import store as runs
from openfn.runs.model import Plan
from openfn.storage import table
from tests.conftest import post, tick, wait_until
from tests.support import stack_client
from tests.support.call_hooks import hook_aws_call
from tests.support.stack_client import without_queue

COUNT = """
from adaptors.common import fn

def count(state):
    return {**state, "count": state.get("count", 0) + 1, "seen": state["scheduled"]}

fn(count)
"""
NOW = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
EVERY_MINUTE = """
triggers:
  clock: {cron: "* * * * *"}
jobs:
  job-a: {trigger: clock, expression: jobs/a.py}
"""


def minutes(*times):
    return [datetime.fromisoformat(f"2026-03-09T{time}:00+00:00") for time in times]


def run_of(minute, job="job-a"):
    (when,) = minutes(minute)
    return details.run(ids.run_id(ids.minute_id(when), job))


def due_runs(log_lines):
    return [
        ids.received_at(event["run_id"]).strftime("%H:%M")
        for event in log_lines.events(LogEvent.RUN_DUE)
    ]


@pytest.mark.parametrize(
    ("cron", "after", "until", "catch_up", "due"),
    [
        ("* * * * *", "10:00", "10:01", 60, ["10:01"]),
        ("* * * * *", "10:00", "10:00", 60, []),
        ("* * * * *", "10:05", "10:00", 60, []),
        ("* * * * *", "10:00", "10:03", 60, ["10:01", "10:02", "10:03"]),
        ("* * * * *", "08:00", "10:00", 2, ["09:58", "09:59", "10:00"]),
        ("* * * * *", "08:00", "10:00", 0, ["10:00"]),
        ("30 9 * * *", "08:00", "10:00", 60, ["09:30"]),
        ("30 8 * * *", "08:00", "10:00", 60, []),
        ("*/20 9,10 * * mon", "09:00", "10:00", 60, ["09:20", "09:40", "10:00"]),
        ("0 10 * * *", None, "10:00", 60, ["10:00"]),
        ("59 9 * * *", None, "10:00", 60, []),
    ],
)
def test_trigger_is_due_in_the_minutes_since_the_last_handled_one(
    cron, after, until, catch_up, due
):
    last = minutes(after)[0] if after else None
    trigger = CronTrigger("t", cron, catch_up)
    periods = clock.periods(last, minutes(until)[0])
    assert [
        minute for period in periods for minute in clock.due_minutes(trigger, period, {"t"})
    ] == minutes(*due)


def _local_times(cron, timezone, day):
    """Return the local times of a day at which a trigger is due, one tick after the other."""
    zone, trigger = ZoneInfo(timezone), CronTrigger("t", cron, 0, timezone)
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=zone).astimezone(UTC)
    due = []
    for number in range(26 * 60):
        after = start + timedelta(minutes=number - 1)
        (period,) = clock.periods(after, after + timedelta(minutes=1))
        due += clock.due_minutes(trigger, period, {"t"})
    local = [minute.astimezone(zone) for minute in due]
    return [f"{time:%H:%M%z}" for time in local if f"{time:%Y-%m-%d}" == day]


_TWENTIES_OF_TWO = ["02:00+1030", "02:20+1030", "02:40+1030"]
_HALF_PAST_EVEN_HOURS = ["00:30+1030", *(f"{hour:02}:30+1100" for hour in range(2, 24, 2))]


@pytest.mark.parametrize(
    ("cron", "timezone", "day", "due"),
    [
        ("0 6 * * *", "Africa/Nairobi", "2026-03-09", ["06:00+0300"]),
        # The clock goes from 02:00 to 03:00.
        ("30 2 * * *", "America/New_York", "2026-03-08", ["03:00-0400"]),
        ("0 1-3 * * *", "America/New_York", "2026-03-08", ["01:00-0500", "03:00-0400"]),
        # The clock goes from 02:00 back to 01:00.
        ("30 1 * * *", "America/New_York", "2026-11-01", ["01:30-0400"]),
        ("15 1,2 * * *", "America/New_York", "2026-11-01", ["01:15-0400", "02:15-0500"]),
        # By half an hour.
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["01:45+1100"]),
        ("45 */12 * * *", "Australia/Lord_Howe", "2026-04-05", ["00:45+1100", "12:45+1030"]),
        ("*/20 2 * * *", "Australia/Lord_Howe", "2026-04-05", _TWENTIES_OF_TWO),
        # Forward by half an hour: 02:30 is the first minute after the gap.
        ("30 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["02:30+1100"]),
        ("30 */2 * * *", "Australia/Lord_Howe", "2026-10-04", _HALF_PAST_EVEN_HOURS),
    ],
)
def test_trigger_is_due_in_its_time_zone_as_in_cron(cron, timezone, day, due):
    assert _local_times(cron, timezone, day) == due


def test_hourly_trigger_has_no_gap_and_no_repetition_when_clocks_change():
    for day, hours in (("2026-03-08", 23), ("2026-11-01", 25)):
        times = _local_times("0 * * * *", "America/New_York", day)
        assert len(times) == len(set(times)) == hours


def test_half_hour_that_comes_twice_is_not_skipped():
    times = _local_times("40 * * * *", "Australia/Lord_Howe", "2026-04-05")
    assert times[:4] == ["00:40+1100", "01:40+1100", "01:40+1030", "02:40+1030"]


def test_time_zone_of_the_project_is_that_of_its_cron_triggers(create_project_stack, log_lines):
    text = """
    timezone: Africa/Nairobi
    triggers:
      local: {cron: "0 6 * * *"}
      other: {cron: "0 3 * * *", timezone: Europe/London}
    jobs:
      a: {trigger: local, expression: jobs/a.py}
      b: {trigger: other, expression: jobs/a.py}
    """
    code = 'from adaptors.common import cursor\ncursor("today", format="%Y-%m-%d %H:%M %Z")\n'
    stack = create_project_stack(text, a=code)
    for minute in ("2026-03-08T22:59:00Z", "2026-03-09T03:00:00Z"):
        tick(stack, minute)
    stack.drain()
    events = log_lines.events(LogEvent.RUN_SUCCEEDED)
    assert sorted(event["job"] for event in events) == ["a", "b"]
    cursors = [json.loads(cron_state.load(job).state)["cursor"] for job in ("a", "b")]
    assert all(cursor.endswith(" 00:00 EAT") for cursor in cursors)


def test_long_gaps_are_handled_by_the_hour_within_the_catch_up():
    (until,) = minutes("10:00")
    periods = list(clock.periods(until - timedelta(days=100), until))
    assert len(periods) == 7 * 24 + 1
    assert [period.until for period in periods[:-1]] == [period.after for period in periods[1:]]
    trigger = CronTrigger("t", "0 * * * *", 120)
    due = [minute for period in periods for minute in clock.due_minutes(trigger, period, {"t"})]
    assert due == minutes("08:00", "09:00", "10:00")


def test_handled_hours_stay_handled_if_the_next_hour_fails(create_project_stack, log_lines):
    stack = create_project_stack(EVERY_MINUTE.replace("* * * * *", "*/10 * * * *"), a=COUNT)
    tick(stack, "2026-03-09T10:00:00Z")
    calls = []

    def fail(**_):
        calls.append(1)
        if len(calls) > 8:
            raise EndpointConnectionError(endpoint_url="https://sqs")

    with hook_aws_call("before-call.sqs.SendMessageBatch", fail), pytest.raises(NotQueued):
        tick(stack, "2026-03-09T11:30:00Z")
    assert clock.load_last_handled().minute == minutes("11:00")[0]
    tick(stack, "2026-03-09T11:31:00Z")
    assert clock.load_last_handled().minute == minutes("11:31")[0]
    stack.drain()
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 10


@pytest.mark.parametrize("time", ["2026-03-09T10:01:59Z", "2026-03-09T12:01:07.25+02:00"])
def test_ticks_belong_to_their_minute_in_utc(time):
    assert clock.minute_of(time, NOW) == minutes("10:01")[0]


def test_minute_id_contains_the_minute_and_is_a_valid_id():
    (minute,) = minutes("10:01")
    identifier = ids.minute_id(minute)
    assert ids.received_at(identifier) == minute
    assert ids.is_message_id(identifier)
    assert ids.key_of(f"{identifier}#a") == {"pk": "2026-03-09#0", "sk": f"{identifier}#a"}


def test_cron_job_runs_once_a_minute_for_repeated_or_missing_ticks(create_project_stack, log_lines):
    stack = create_project_stack(EVERY_MINUTE, a=COUNT)
    for time in (
        "10:00:09",
        "10:01:09",
        "10:01:30",
        "10:01:09",
        "10:04:09",
        "10:02:09",
        "10:05:09",
    ):
        tick(stack, f"2026-03-09T{time}Z")
        stack.drain()
    assert due_runs(log_lines) == ["10:00", "10:01", "10:02", "10:03", "10:04", "10:05"]
    assert len(log_lines.events(LogEvent.RUN_SUCCEEDED)) == 6
    assert run_of("10:05").final["count"] == 6


def test_state_is_carried_from_the_last_successful_run_only(create_project_stack):
    stack = create_project_stack(
        EVERY_MINUTE,
        a="""
        from adaptors.common import fn

        def pull(state):
            seen = {key: state.get(key) for key in ("cursor", "references", "error")}
            print(seen, sorted(state))
            number = state.get("cursor", 0) + 1
            state["cursor"] = number
            state["data"] = [number]
            state["references"].append("mine")
            if number == 2 and "10:01" in state["scheduled"]:
                raise ValueError("no")
            return state

        fn(pull)
        """,
    )
    for time in ("10:00", "10:01", "10:02"):
        tick(stack, f"2026-03-09T{time}:00Z")
        stack.drain()
    first, failed, last = (run_of(time) for time in ("10:00", "10:01", "10:02"))
    assert first.log.startswith("{'cursor': None, 'references': [], 'error': None}")
    assert (failed.status, failed.final) == ("failed", None)
    assert last.log.startswith("{'cursor': 1, 'references': [], 'error': None}")
    assert last.log.endswith("['configuration', 'cursor', 'data', 'references', 'scheduled']\n")
    assert (last.final["cursor"], last.final["data"]) == (2, [2])
    assert last.final["scheduled"] == "2026-03-09T10:02:00Z"
    assert json.loads(cron_state.load("job-a").state) == last.final


def test_late_runs_of_a_cron_job_execute_in_order(create_project_stack):
    stack = create_project_stack(EVERY_MINUTE, a=COUNT)
    tick(stack, "2026-03-09T10:00:00Z")
    tick(stack, "2026-03-09T10:20:00Z")
    with stack.running():
        wait_until(lambda: run_of("10:20").status == "succeeded", 20)
    assert [run_of(f"10:{n:02}").final["count"] for n in range(21)] == list(range(1, 22))


def test_next_tick_queues_runs_that_the_last_could_not(create_project_stack, log_lines):
    stack = create_project_stack(EVERY_MINUTE, a=COUNT)
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()
    with without_queue(stack, "RUN_QUEUE_URL"), pytest.raises(NotQueued):
        tick(stack, "2026-03-09T10:01:00Z")
    assert len(log_lines.events(LogEvent.TICK_FAILED)) == 1
    tick(stack, "2026-03-09T10:02:00Z")
    stack.drain()
    assert run_of("10:01").final["count"] == 2
    assert run_of("10:02").final["count"] == 3


def test_stack_without_cron_triggers_reads_no_clock(create_job_stack):
    create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    assert clock.load_last_handled().minute is None


def test_tick_without_cron_triggers_records_no_minute(create_job_stack):
    stack = create_job_stack("from adaptors.common import fn\nfn(lambda state: state)\n")
    tick(stack, "2026-03-09T10:00:00Z")
    assert clock.load_last_handled().minute is None


def test_all_jobs_and_triggers_of_a_minute_run(create_project_stack, log_lines):
    stack = create_project_stack(
        """
        triggers:
          often: {cron: "*/5 * * * *"}
          at-ten: {cron: "0 10 * * *"}
          at-eleven: {cron: "0 11 * * *"}
        jobs:
          job-a: {trigger: often, expression: jobs/a.py}
          job-b: {trigger: often, expression: jobs/a.py}
          job-c: {trigger: at-ten, expression: jobs/a.py}
          job-d: {trigger: at-eleven, expression: jobs/a.py}
        """,
        a=COUNT,
    )
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()
    assert sorted(event["job"] for event in log_lines.events(LogEvent.RUN_SUCCEEDED)) == [
        "job-a",
        "job-b",
        "job-c",
    ]


@pytest.mark.parametrize("size", [10, 400_000])
def test_carried_state_of_any_size_survives_the_expiry_of_its_run(create_project_stack, size):
    stack = create_project_stack(
        EVERY_MINUTE,
        a=f"""
        import random
        from adaptors.common import fn

        def grow(state):
            if "noise" in state:
                return {{**state, "carried": state["noise"] == noise()}}
            return {{**state, "noise": noise()}}

        def noise():
            return random.Random(1).randbytes({size}).hex()

        fn(grow)
        """,
    )
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()
    (minute,) = minutes("10:00")
    key = {
        name: {"S": value} for name, value in ids.key_of(f"{ids.minute_id(minute)}#job-a").items()
    }
    table = stack.resources.physical_ids["Table"]
    stack_client.client("dynamodb").delete_item(TableName=table, Key=key)
    bucket = stack.resources.physical_ids["Bucket"]
    stack_client.delete_objects(bucket, "runs/")
    for time in ("10:01", "10:02"):
        tick(stack, f"2026-03-09T{time}:00Z")
        stack.drain()
    assert run_of("10:02").final["carried"] is True
    assert len(stack_client.object_keys(bucket, "jobs/")) == (2 if size > 350_000 else 0)


def test_carried_state_does_not_expire(create_project_stack):
    stack = create_project_stack(EVERY_MINUTE, a=COUNT)
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()
    answer = stack_client.client("dynamodb").get_item(
        TableName=stack.resources.physical_ids["Table"],
        Key={"pk": {"S": "job#job-a"}, "sk": {"S": "state"}},
    )
    assert "expires" not in answer["Item"]


def test_late_success_does_not_overwrite_a_newer_carried_state(create_project_stack):
    create_project_stack(EVERY_MINUTE, a=COUNT)
    older, newer = (
        Plan(ids.minute_id(minute), "job-a", "clock", Kind.CRON)
        for minute in minutes("10:00", "10:01")
    )
    runs.create([older, newer], "version")
    for plan, cursor in ((newer, b'{"cursor": 2}'), (older, b'{"cursor": 1}')):
        outcomes.finish(runs.claim(plan.id, 60), outcomes.Outcome("", 1, final=cursor))
    assert details.run(older.id).status == "succeeded"
    assert cron_state.load("job-a") == cron_state.CarriedState(b'{"cursor": 2}', newer.id)


def test_manual_run_takes_its_turn_in_the_carried_state(create_project_stack):
    stack = create_project_stack(EVERY_MINUTE, a=COUNT)
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()
    # By a clock that is ahead: the tick of that minute is still to come.
    future = Plan(ids.minute_id(minutes("10:07")[0]), "job-a", "clock", Kind.CRON, order="cron")
    dispatch.create_and_queue([future])
    stack.drain()
    for minute in ("10:01", "10:02"):
        tick(stack, f"2026-03-09T{minute}:00Z")
        stack.drain()
    assert [run_of(m).final["count"] for m in ("10:00", "10:07", "10:01", "10:02")] == [1, 2, 3, 4]


def test_tick_from_the_future_does_not_stop_later_ticks(create_project_stack, log_lines):
    stack = create_project_stack(EVERY_MINUTE, a=COUNT)
    tick(stack, "2099-03-09T10:00:00Z")
    assert clock.load_last_handled().minute < datetime.now(UTC) + timedelta(minutes=3)


def test_new_trigger_has_missed_no_minute(create_project_stack, log_lines):
    stack = create_project_stack(EVERY_MINUTE, a=COUNT)
    clock.record_handled(minutes("04:00")[0], ["another"])
    tick(stack, "2026-03-09T10:00:00Z")
    assert due_runs(log_lines) == ["10:00"]
    tick(stack, "2026-03-09T10:03:00Z")
    assert due_runs(log_lines) == ["10:00", "10:01", "10:02", "10:03"]


def test_failure_trigger_of_a_run_that_could_not_start_gets_only_the_error(create_project_stack):
    stack = create_project_stack(
        """
        triggers:
          clock: {cron: "* * * * *"}
          failed: {failure: job-a}
        jobs:
          job-a: {trigger: clock, expression: jobs/a.py}
          job-b: {trigger: failed, expression: jobs/b.py}
        """,
        a=COUNT.replace("return {", 'return {"noise": "x" * 3, '),
        b="from adaptors.common import fn\nfn(lambda state: state)\n",
    )
    key = {"pk": "job#job-a", "sk": "state", "run_id": "x", "turn": 0, "state_object": "jobs/gone"}
    table.put(key)
    tick(stack, "2026-03-09T10:00:00Z")
    stack.drain()
    assert "deleted from the bucket" in run_of("10:00").error["message"]
    assert run_of("10:00", "job-b").final["error"]["type"] == "NotFound"


def test_message_runs_carry_no_state(create_job_stack):
    stack = create_job_stack(
        "from adaptors.common import fn\nfn(lambda state: {**state, 'cursor': 1})\n"
    )
    post(stack, "{}")
    stack.drain()
    assert cron_state.load("job-a") == cron_state.CarriedState()


def test_carried_state_and_outcome_are_written_together(create_project_stack):
    create_project_stack(EVERY_MINUTE, a=COUNT)
    (minute,) = minutes("10:00")
    plan = Plan(ids.minute_id(minute), "job-a", "clock", Kind.CRON)
    runs.create([plan], "version")
    lost = runs.claim(plan.id, -5)
    runs.claim(plan.id, 60)
    with pytest.raises(NotClaimed):
        outcomes.finish(lost, outcomes.Outcome("", 1, final=b'{"cursor": 1}'))
    assert cron_state.load("job-a") == cron_state.CarriedState()


def test_last_handled_minute_never_goes_back(create_project_stack):
    create_project_stack(EVERY_MINUTE, a=COUNT)
    later, earlier = minutes("10:05", "10:04")
    clock.record_handled(later, ["a"])
    clock.record_handled(earlier, ["b"])
    assert clock.load_last_handled().minute == later == datetime(2026, 3, 9, 10, 5, tzinfo=UTC)
