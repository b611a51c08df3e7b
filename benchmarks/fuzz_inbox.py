"""Hostile requests over HTTP to the inboxes of the embedded stack, by the thousand.

    python -m benchmarks.fuzz_inbox [REQUESTS [SEED]]

Each must be answered with 200, 400, 401, 404 or 413 within ten seconds, and after each 200 the
exact bytes must be readable back. Prints what was answered and how long the slowest answer took;
the exit status is 1 when anything else happened. The seed is printed, and repeats the run.
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
from workbench.local import stack

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {200, 400, 401, 404, 413}
SAVED = [path.read_bytes() for path in sorted((ROOT / "events").rglob("*.*"))]
# moto copies its whole table for each transaction, and one keeps an unreadable body.
PER_STACK = 500
Request = tuple[str, str, dict[str, Any]]
TYPES = [
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
    """Send the requests; 1 if one was answered wrongly."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    dice, answers, wrong, slowest = random.Random(seed), collections.Counter[int](), 0, 0.0
    for start in range(0, count, PER_STACK):
        with stack.created(ROOT / "project") as made, made.serving() as urls:
            for number in range(start, min(start + PER_STACK, count)):
                request = _request(dice, list(urls.values()))
                began = time.monotonic()
                answer = requests.request(*request[:2], **request[2], timeout=30)
                slowest = max(slowest, time.monotonic() - began)
                answers[answer.status_code] += 1
                if answer.status_code not in ALLOWED or not _kept(answer, request):
                    wrong += 1
                    print(f"request {number}: {answer.status_code}, or not kept as it was sent")
    print(f"seed {seed}: {count} requests, slowest {slowest:.2f} s, answers {dict(answers)}")
    return 1 if wrong or slowest > 10 else 0


def _kept(answer: requests.Response, request: Request) -> bool:
    if request[0] != "POST" or answer.status_code != 200:
        return True
    message_id = answer.headers["X-Message-Id"]
    return messages.read([message_id])[message_id].body == request[2]["data"]


def _request(dice: random.Random, urls: list[str]) -> Request:
    method = dice.choices(["POST", "GET", "HEAD"], [20, 1, 1])[0]
    url = dice.choice(urls)
    if dice.random() < 0.05:
        url = url[: -dice.randrange(1, 10)]
        url += dice.choice(["", "/", "%00", "%2F", "?x=" + "y" * 3000])
    url += dice.choice(["", "", "?", "/", "?a=1&a=2", "?%ff=%00", "?" + "&" * 50])
    headers = {"Content-Type": dice.choice(TYPES), "X-Odd": dice.choice(["", "a" * 2000])}
    return method, url, {"headers": headers, "data": _body(dice)}


def _body(dice: random.Random) -> bytes:
    body = bytearray(dice.choice(SAVED))
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
    at = dice.randrange(len(body) + 1)
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
            body[at : at + 1] = dice.randbytes(1)
        case 1:
            del body[at : at + dice.randrange(1, 40)]
        case 2:
            body[at:at] = dice.choice(snippets)
        case 3:
            body[at:at] = dice.choice(nesting) * dice.choice([10, 250, 3000])
        case _:
            body[at:at] = body[: dice.randrange(min(len(body), 2000) + 1)]


if __name__ == "__main__":
    sys.exit(main())
