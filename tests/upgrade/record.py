"""Record what a release stores, so that tests can finish it with the code of later releases.

    python -m tests.upgrade.record

Run this once for each release, with the code of that release, before you raise the version in
pyproject.toml. It interrupts the embedded stack of a small organization between any two steps of
its work, and writes `tests/upgrade/<version>/`, which `test_upgrade.py` finds automatically. Commit
that folder, and never change it afterwards: it is what stacks of that release store.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import time_machine
from werkzeug.wrappers import Response

from tests.conftest import post
from tests.support.moto_stack import create_stack
from tests.upgrade import organization, snapshot
from tests.upgrade.organization import PHOTO
from tests.upgrade.recorder import DAY, LONGER_THAN_ANY_LEASE, Recorder, dying_at, failing
from workbench.local import http_server


def create_dead_letters(recorder):
    """Put a message and a run into the dead-letter queues while S3 and then SQS fail."""
    recorder.post("plain", kind="album", id="dead", photo=PHOTO)
    with failing("s3.GetObject"):
        recorder.exhaust("matcher")
    size = len(PHOTO)
    recorder.expect(
        "message in the dead-letter queue",
        *(f"/{job}/dead/{size}" for job in ("album", "gallery", "thank")),
    )
    recorder.post("plain", kind="split", id="dead", parts=[{"id": "dead-1"}, {"id": "dead-2"}])
    recorder.match()
    with failing("sqs.SendMessageBatch"):
        recorder.exhaust("runner")
    recorder.expect("run in the dead-letter queue", "/store/dead-1", "/store/dead-2")


def finish_work(recorder):
    """Finish messages and runs that must not be delivered again."""
    recorder.tick(8, 59)
    recorder.tick(9, 0)
    recorder.embedded.drain()
    recorder.expect("finished runs")
    recorder.post("plain", kind="record", id="done")
    recorder.post("plain", kind="unknown", id="unmatched")
    message_id = recorder.post("once", id="done")
    recorder.expect("dedupe mark", body='{"id": "done"}', message_id=message_id)
    failed = {}
    for name in ("refused", "again", "unsent", "stopped"):
        recorder.statuses[f"/register/{name}"] = 422
        failed[name] = recorder.post("plain", kind="record", id=name) + "#register"
    recorder.embedded.drain()
    recorder.expect(
        "failed run", "/register/refused", "/follow/refused/checked", replay=[failed["refused"]]
    )
    return failed


def interrupt_publishing(recorder):
    """Let runs end whose runner dies before it publishes what follows."""
    recorder.tick(9, 56)
    with dying_at("dynamodb.UpdateItem"):  # the runs are queued, the minute is not handled
        recorder.tick(9, 58)
    recorder.statuses["/sync/2"] = 422
    with dying_at("dynamodb.PutItem"):
        recorder.run()
    recorder.expect("clock", "/store/pull-2")
    sync = next(item["sk"]["S"] for item in snapshot.table_items() if is_failed(item, "sync"))
    recorder.expect(
        "failed run of the clock", "/report/1/2026-03-09T09:58:00Z", "/sync/2", replay=[sync]
    )
    recorder.post("plain", kind="record", id="following")
    recorder.match()
    with dying_at("dynamodb.PutItem"):
        recorder.run()
    recorder.expect("following run not created", "/follow/following/checked")
    recorder.statuses["/register/uncaught"] = 422
    run_id = recorder.post("plain", kind="record", id="uncaught") + "#register"
    recorder.match()
    with dying_at("sqs.SendMessageBatch"):
        recorder.run()
    recorder.expect(
        "following run not queued",
        "/catch/uncaught/put",
        "/register/uncaught",
        "/follow/uncaught/checked",
        replay=[run_id],
    )
    recorder.post("plain", kind="split", id="split", parts=[{"id": "part-1"}, {"id": "part-2"}])
    recorder.match()
    with dying_at("dynamodb.TransactWriteItems"):
        recorder.run()
    recorder.expect("emitted messages not published", "/store/part-1", "/store/part-2")


def is_failed(item, job):
    """Return whether a table item is a failed run of a job."""
    return item.get("job", {}).get("S") == job and item["status"]["S"] == "failed"


def create_waiting_runs(recorder):
    """Let runs wait: for their next attempt, in their order, and for an open circuit."""
    recorder.statuses["/second/steps"] = 503
    recorder.post("plain", kind="steps", id="steps")
    recorder.expect(
        "waiting run, resumed at an operation",
        *("/second/steps", "/third/steps", "/store/emitted-by-steps"),
    )
    size = len(PHOTO)
    recorder.statuses[f"/gallery/large/{size}"] = 503
    recorder.post("plain", kind="album", id="large", photo=PHOTO)
    recorder.expect(
        "waiting run, its state in the bucket", f"/gallery/large/{size}", f"/thank/large/{size}"
    )
    recorder.statuses["/visit/c1/1"] = 503
    for number in (1, 2, 3):
        recorder.post("cases", case="c1", number=number)
    recorder.statuses["/whisper/secret"] = 503
    secret = recorder.post("private", id="secret", photo=PHOTO)
    recorder.expect("message to be erased", "/whisper/secret", erased=[secret])
    for number in range(1, 8):
        recorder.statuses[f"/treat/{number}"] = 503
        recorder.post("plain", kind="clinic", id=str(number))
    recorder.match()
    recorder.run()
    for number in (1, 2):
        recorder.post("referrals", case="c1", number=number)
    recorder.match()
    recorder.run()
    recorder.expect("ordered runs parked", "/refer/c1/1", "/refer/c1/2")
    recorder.expect("runs behind an open circuit", *(f"/treat/{n}" for n in range(1, 8)))


def interrupt_a_claimed_run(recorder):
    """Let a runner die before its run has delivered anything."""
    recorder.post("plain", kind="record", id="claimed")
    recorder.match()
    with dying_at("dynamodb.BatchGetItem"):
        recorder.run()
    recorder.expect("running, its runner died", "/register/claimed", "/follow/claimed/checked")


def create_queued_work(recorder, failed):
    """Leave messages and runs on their queues, or not yet queued."""
    recorder.post("plain", kind="record", id="unqueued-run")
    with failing("sqs.SendMessageBatch"):
        recorder.match()
    recorder.expect("run marked unqueued", "/register/unqueued-run", "/follow/unqueued-run/checked")
    size = len(PHOTO)
    recorder.post("plain", kind="album", id="final", photo=PHOTO)
    recorder.match()
    recorder.poll("runner")
    recorder.expect("following run queued, its state in the bucket", f"/thank/final/{size}")
    replay_failed_runs(recorder, failed)
    recorder.post("plain", kind="record", id="matched")
    broken = recorder.post("plain", kind="record", id="broken", broken=True) + "#register"
    for number in (1, 2):
        recorder.post("plain", kind="book", id=str(number), note="pages " * 200)
    recorder.match()
    recorder.expect("run queued", "/register/matched", "/follow/matched/checked")
    recorder.expect("run with a limit queued", "/book/1", "/book/2")
    recorder.expect("run that fails", "/catch/broken/fn", failed=[broken])
    recorder.post("cases", case="c1", number=4)
    recorder.expect("ordered runs", *(f"/visit/c1/{number}" for number in (1, 2, 3, 4)))
    recorder.post("plain", kind="record", id="queued")
    recorder.expect("message queued", "/register/queued", "/follow/queued/checked")


def replay_failed_runs(recorder, failed):
    """Replay runs: one is queued, one is refused by the queue, one command is stopped."""
    recorder.statuses.clear()
    assert recorder.replay(failed["again"]) == 0
    with failing("sqs.SendMessageBatch"):
        assert recorder.replay(failed["unsent"]) == 1
    with dying_at("sqs.SendMessageBatch"):
        recorder.replay(failed["stopped"])
    outcomes = {"again": "queued", "unsent": "refused by the queue", "stopped": "not queued"}
    for name, outcome in outcomes.items():
        recorder.expect(f"replay {outcome}", f"/register/{name}", f"/follow/{name}/checked")


def create_unqueued_messages(recorder):
    """Store messages that are on no queue."""
    with failing("sqs.SendMessageBatch"):
        recorder.post("plain", kind="record", id="unqueued")
    recorder.expect("message marked unqueued", "/register/unqueued", "/follow/unqueued/checked")
    with dying_at("sqs.SendMessageBatch"):
        recorder.post("plain", kind="record", id="orphan")
    recorder.expect("message on no queue", "/register/orphan", "/follow/orphan/checked")
    answer = post(recorder.embedded, '{"id":', inbox=organization.inbox_id("once"))
    assert answer["statusCode"] == 400
    recorder.expect("unreadable message", message_id=answer["headers"]["X-Message-Id"])


def record(folder):
    """Bring a stack into all situations and write what it stores into a folder."""
    with tempfile.TemporaryDirectory() as project, time_machine.travel(DAY, tick=True) as clock:
        snapshot.write_files(organization.source(), Path(project))
        statuses = {}

        def respond(request):
            status = statuses.get(request.path, 201)
            # Ordered runs wait so long that they are not yet due when the record is loaded.
            headers = {"Retry-After": "1800"} if "/visit/" in request.path else {}
            return Response("{}", status, headers, content_type="application/json")

        with create_stack(Path(project)) as embedded, http_server.serve(respond) as url:
            for name in organization.CREDENTIALS:
                embedded.set_credential(name, {"baseUrl": url})
            recorder = Recorder(embedded, clock, statuses, project)
            create_dead_letters(recorder)
            failed = finish_work(recorder)
            interrupt_publishing(recorder)
            create_waiting_runs(recorder)
            interrupt_a_claimed_run(recorder)
            create_queued_work(recorder, failed)
            create_unqueued_messages(recorder)
            clock.shift(LONGER_THAN_ANY_LEASE)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            situations = {"recorded_at": now, "situations": recorder.situations}
            clock.shift(timedelta(hours=13))  # nothing is hidden on a queue for longer
            snapshot.save(folder, organization.source(), situations)


if __name__ == "__main__":
    record(Path(__file__).parent / version("openfn-serverless"))
