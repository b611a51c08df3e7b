"""What starting the inbox costs, against what it cannot do without.

The floor is boto3 with the two clients the inbox uses, and Powertools' Logger. The two are started
in turn, each in an interpreter of its own, so that a slow moment of the machine falls on both. Both
see what a Lambda function sees: the built layers and what AWS's managed runtime brings.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.built.lambda_runtime import command, lay_out

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / ".build/here"
ROUNDS = 21
BUDGET = 1.25
FLOOR = """
import boto3
boto3.client("dynamodb")
boto3.client("sqs")
from aws_lambda_powertools import Logger
Logger(service="floor")
"""
INBOX = "import app"
NOTHING = "pass"


def main() -> None:
    """Print the medians and the ratio."""
    codes = {"an empty interpreter": NOTHING, "the floor": FLOOR, "the inbox": INBOX}
    times: dict[str, list[float]] = {name: [] for name in codes}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "inbox"
        layers = [BUILT / "CoreLayer", BUILT / "ProjectLayer"]
        lay_out(root, ROOT / "functions/inbox", layers)
        for _ in range(ROUNDS):
            for name, code in codes.items():
                times[name].append(_seconds(root, code))
    for name, each in times.items():
        print(f"{name:<22} {statistics.median(each[1:]) * 1000:7.0f} ms")
    pairs = zip(times["the inbox"][1:], times["the floor"][1:], strict=True)
    ratio = statistics.median(inbox / floor for inbox, floor in pairs)
    print(f"{'the inbox / the floor':<22} {ratio:7.2f}    (budget {BUDGET})")


def _seconds(root: Path, code: str) -> float:
    python, environment = command(root, "-c", code)
    environment["AWS_DEFAULT_REGION"] = "eu-west-1"
    began = time.perf_counter()
    subprocess.run(python, check=True, env=environment)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
