"""Compare the start of the inbox with the libraries that it cannot do without.

The minimum is boto3 with the inbox's two clients, and Powertools' Logger. Both start in turn in new
interpreters, so that a slow moment of the machine affects both. They see what a Lambda function
sees: the built layers and the packages of AWS's managed runtime.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.built.lambda_runtime import command, install

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / ".build/here"
ROUNDS = 21
BUDGET = 1.25
MINIMUM = """
import boto3
boto3.client("dynamodb")
boto3.client("sqs")
from aws_lambda_powertools import Logger
Logger(service="minimum")
"""
INBOX = "import app"
EMPTY = "pass"


def main() -> None:
    """Print the median start times and their ratio."""
    codes = {"empty interpreter": EMPTY, "minimum": MINIMUM, "inbox": INBOX}
    times: dict[str, list[float]] = {name: [] for name in codes}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "inbox"
        layers = [BUILT / "CoreLayer", BUILT / "ProjectLayer"]
        install(root, ROOT / "functions/inbox", layers)
        for _ in range(ROUNDS):
            for name, code in codes.items():
                times[name].append(_seconds(root, code))
    for name, seconds in times.items():
        print(f"{name:<22} {statistics.median(seconds[1:]) * 1000:7.0f} ms")
    pairs = zip(times["inbox"][1:], times["minimum"][1:], strict=True)
    ratio = statistics.median(inbox / minimum for inbox, minimum in pairs)
    print(f"{'inbox / minimum':<22} {ratio:7.2f}    (budget {BUDGET})")


def _seconds(root: Path, code: str) -> float:
    python, environment = command(root, "-c", code)
    environment["AWS_DEFAULT_REGION"] = "eu-west-1"
    start_time = time.perf_counter()
    subprocess.run(python, check=True, env=environment)
    return time.perf_counter() - start_time


if __name__ == "__main__":
    main()
