"""Send thousands of hostile requests to the inboxes of the embedded stack.

    python -m benchmarks.fuzz_inbox [REQUESTS [SEED]]

Each request must be answered with 200, 400, 401, 404 or 413 within ten seconds, and after each 200
the stored bytes must equal the posted ones. Otherwise the exit status is 1. The output has the
number of responses by status, the slowest response, and the seed that repeats the run.
"""

from __future__ import annotations

import collections
import gzip
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import requests

from openfn.messages import store as messages
from workbench.local.stack import create_stack

ROOT = Path(__file__).resolve().parents[1]
ALLOWED_STATUSES = {200, 400, 401, 404, 413}
SAMPLES = [path.read_bytes() for path in sorted((ROOT / "events").rglob("*.*"))]
# moto copies its whole table for each transaction, and an unreadable body is stored in one.
PER_STACK = 500
Request = tuple[str, str, dict[str, Any]]
CONTENT_TYPES = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=XX",
    "multipart/form-data",
    "text/xml",
    "application/json; charset=utf-7",
    "image/png",
    "",
]


def main() -> int:
    """Send the requests; return 1 if a response was wrong or too slow."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    dice, statuses, failures, slowest = random.Random(seed), collections.Counter[int](), 0, 0.0
    for start in range(0, count, PER_STACK):
        with create_stack(ROOT / "project") as embedded, embedded.serving() as urls:
            for number in range(start, min(start + PER_STACK, count)):
                request = _random_request(dice, list(urls.values()))
                start_time = time.monotonic()
                response = requests.request(*request[:2], **request[2], timeout=30)
                slowest = max(slowest, time.monotonic() - start_time)
                statuses[response.status_code] += 1
                if response.status_code not in ALLOWED_STATUSES:
                    failures += 1
                    print(f"request {number}: unexpected status {response.status_code}")
                elif not _is_stored_exactly(response, request):
                    failures += 1
                    print(f"request {number}: the stored body differs from the posted one")
    print(f"seed {seed}: {count} requests, slowest {slowest:.2f} s, statuses {dict(statuses)}")
    return 1 if failures or slowest > 10 else 0


def _is_stored_exactly(response: requests.Response, request: Request) -> bool:
    if request[0] != "POST" or response.status_code != 200:
        return True
    message_id = response.headers["X-Message-Id"]
    return messages.read([message_id])[message_id].body == request[2]["data"]


def _random_request(dice: random.Random, urls: list[str]) -> Request:
    method = dice.choices(["POST", "GET", "HEAD"], [20, 1, 1])[0]
    url = dice.choice(urls)
    if dice.random() < 0.05:
        url = url[: -dice.randrange(1, 10)]
        url += dice.choice(["", "/", "%00", "%2F", "?x=" + "y" * 3000])
    url += dice.choice(["", "", "?", "/", "?a=1&a=2", "?%ff=%00", "?" + "&" * 50])
    headers = {"Content-Type": dice.choice(CONTENT_TYPES), "X-Odd": dice.choice(["", "a" * 2000])}
    return method, url, {"headers": headers, "data": _random_body(dice)}


def _random_body(dice: random.Random) -> bytes:
    body = bytearray(dice.choice(SAMPLES))
    for _ in range(dice.choice([0, 1, 1, 3, 30])):
        _mutate(dice, body)
    match dice.randrange(20):
        case 0:
            return gzip.compress(bytes(body))[: dice.randrange(1, 2000)]
        case 1:
            return json.dumps(body.decode("latin-1")).encode("utf-16")
        case 2:
            return dice.randbytes(dice.randrange(4000))
        case 3 if dice.random() < 0.02:
            return bytes(body) + b"x" * 7_000_000
    return bytes(body)


def _mutate(dice: random.Random, body: bytearray) -> None:
    position = dice.randrange(len(body) + 1)
    snippets = [
        b"{",
        b"[",
        b'"',
        b"\\",
        b"<",
        b"&x;",
        b"\x00",
        b"\xff",
        b"9" * 50,
        b"1e999",
        b"NaN",
    ]
    nesting = [b"[", b'{"a":', b"<a>"]
    match dice.randrange(5):
        case 0:
            body[position : position + 1] = dice.randbytes(1)
        case 1:
            del body[position : position + dice.randrange(1, 40)]
        case 2:
            body[position:position] = dice.choice(snippets)
        case 3:
            body[position:position] = dice.choice(nesting) * dice.choice([10, 250, 3000])
        case _:
            body[position:position] = body[: dice.randrange(min(len(body), 2000) + 1)]


if __name__ == "__main__":
    sys.exit(main())
