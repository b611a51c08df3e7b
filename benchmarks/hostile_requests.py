"""Measure the CPU time and the peak memory of hostile requests to the inbox.

    python -m benchmarks.hostile_requests [SHAPE …]

Each body of `hostile_bodies` is posted to the inbox function in a new process, whose calls of AWS
services are answered without a network. Afterwards the matcher's work on the same bytes is
measured: to parse the body, and to compute the digest that orders its runs. The exit status is 1
if a request is answered with anything but 200 or 400, or needs more than the limits.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.support.hostile_bodies import SHAPES

ROOT = Path(__file__).resolve().parents[1]
MAX_SECONDS, MAX_MEGABYTES = 2.0, 400
_TIMEOUT = 60
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "BUCKET_NAME": "bucket",
    "INBOX_SECRETS_PREFIX": "inboxes/",
    "MATCH_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/match.fifo",
    "POWERTOOLS_METRICS_NAMESPACE": "OpenFn",
    "RETENTION_DAYS": "90",
    "TABLE_NAME": "table",
}
PROJECT = """
name: hostile
inboxes: {inbox-a: {id_sha256: "DIGEST", dedupe: case}}
triggers: {all: {inclusion: {a: {b: [{c: 1.5}]}}}}
jobs: {nothing: {trigger: all, expression: jobs/nothing.py}}
"""


def main() -> int:
    """Print a row per shape; return 1 if one of them exceeds a limit."""
    rows = measure(sys.argv[1:] or list(SHAPES))
    failed = [row for row in rows if not is_within_limits(row)]
    seconds = max(row["inbox_seconds"] for row in rows)
    megabytes = max(row["megabytes"] for row in rows)
    print(f"worst of {len(rows)} shapes: {seconds:.2f} s of CPU, {megabytes} MB of memory")
    print(f"limits: {MAX_SECONDS} s, {MAX_MEGABYTES} MB; {len(failed)} shapes exceed them")
    return 1 if failed else 0


def measure(names: list[str]) -> list[dict[str, Any]]:
    """Measure requests by the names of their shapes, each in its own process."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        _compile(Path(folder))
        for name in names:
            rows.append(_measure_in_process(name, Path(folder)))
            row = rows[-1]
            print(
                f"{name:<34} {row['status']}  inbox {row['inbox_seconds']:5.2f} s  "
                f"matcher {row['matcher_seconds']:5.2f} s  {row['megabytes']:4} MB  {row['note']}",
                flush=True,
            )
    return rows


def is_within_limits(row: dict[str, Any]) -> bool:
    """Return whether a request was answered well, in time and in memory."""
    is_small = row["megabytes"] < MAX_MEGABYTES
    is_fast = max(row["inbox_seconds"], row["matcher_seconds"]) < MAX_SECONDS
    return row["status"] in (200, 400) and is_small and is_fast


def _compile(folder: Path) -> None:
    from hashlib import sha256  # noqa: PLC0415 - not in the process that is measured

    from workbench.project.compiler import compile_project  # noqa: PLC0415

    source = folder / "source"
    (source / "jobs").mkdir(parents=True)
    job = "from adaptors.common import fn\nfn(lambda state: state)\n"
    (source / "jobs/nothing.py").write_text(job, "utf-8")
    project = PROJECT.replace("DIGEST", sha256(b"the-secret-id").hexdigest())
    (source / "project.yaml").write_text(project, "utf-8")
    compile_project(source, folder / "project")


def _measure_in_process(name: str, folder: Path) -> dict[str, Any]:
    environment = {**os.environ, **_ENVIRONMENT, "PROJECT_DIR": str(folder / "project")}
    content_type, create = SHAPES[name]
    body = folder / "body"
    body.write_bytes(create())
    python = [sys.executable, "-m", "benchmarks.hostile_requests", "--one", str(body), content_type]
    try:
        process = subprocess.run(
            python, env=environment, cwd=ROOT, capture_output=True, timeout=_TIMEOUT, check=True
        )
    except subprocess.TimeoutExpired:
        return _failure(f"not answered in {_TIMEOUT} s")
    except subprocess.CalledProcessError as error:
        return _failure(error.stderr.decode().strip().rpartition("\n")[2])
    row: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return row


def _failure(note: str) -> dict[str, Any]:
    numbers = {"status": 0, "inbox_seconds": 0.0, "matcher_seconds": 0.0, "megabytes": 0}
    return {**numbers, "note": note}


def _post_one(path: str, content_type: str) -> None:
    import functions.inbox.app as inbox  # noqa: PLC0415 - in the process that is measured
    from openfn.errors import UnreadableBody  # noqa: PLC0415
    from openfn.storage import boto3_services  # noqa: PLC0415

    for service in ("dynamodb", "s3", "sqs"):
        boto3_services.client(service).meta.events.register("before-call", _answer)
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"]["id"] = "the-secret-id"
    event["headers"]["content-type"] = content_type
    event["body"] = base64.b64encode(Path(path).read_bytes()).decode()
    event["isBase64Encoded"] = True
    start_time = time.process_time()
    response = inbox.lambda_handler(event, None)
    seconds = time.process_time() - start_time
    del event
    start_time = time.process_time()
    if response["statusCode"] == 200:
        with suppress(UnreadableBody):  # the message is marked unmatchable
            _match(Path(path).read_bytes(), content_type)
    row = {
        "status": response["statusCode"],
        "inbox_seconds": seconds,
        "matcher_seconds": time.process_time() - start_time,
        "megabytes": _peak_megabytes(),
        "note": json.loads(response["body"]).get("error", ""),
    }
    print(json.dumps(row))


def _match(content: bytes, content_type: str) -> None:
    from openfn.messages import bodies  # noqa: PLC0415 - in the process that is measured
    from openfn.project import compiled  # noqa: PLC0415
    from openfn.project.triggers import MessageTrigger, order_key, with_query_params  # noqa: PLC0415

    body = with_query_params(bodies.parse_exact(content, {"content-type": content_type}), {})
    compiled.current().jobs_for_message("inbox-a", body)
    first = next(iter(body), "") if isinstance(body, dict) else 0
    for path in ((first,), ("case",)):
        order_key(MessageTrigger("all", None, ({},), (), path), body)
    order_key(MessageTrigger("all", None, ({},), (), ("all",)), {"all": body})


def _peak_megabytes() -> int:
    # `getrusage` would include the process that started this one.
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def _answer(**_: Any) -> tuple[Any, dict[str, Any]]:
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - in the process that is measured

    return AWSResponse("", 200, {}, None), {"ResponseMetadata": {"HTTPStatusCode": 200}}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _post_one(*sys.argv[2:])
    else:
        sys.exit(main())
