"""Execute jobs that print and look for secrets; print what they found.

python -m tests.workers.secret_seekers
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from openfn import ids
from openfn.history import details
from tests.conftest import LogLines, post, write_project
from workbench.local.stack import create_stack

AWS_KEY, SECRET = "AKIA-the-key-of-the-function", "correct-horse-battery"
PRINTS = """
import logging, os, subprocess, sys, threading
from adaptors.common import fn

def show(state):
    secret = state["configuration"]["password"]
    print("print", secret)
    logging.warning("logging %s", secret)
    sys.stderr.buffer.write(f"stderr {secret}\\n".encode())
    sys.stderr.flush()
    os.write(2, f"write {secret}\\n".encode())
    subprocess.run(["echo", "child", secret], check=True)
    thread = threading.Thread(target=print, args=("thread", secret))
    thread.start()
    thread.join()
    return state

fn(show)
"""
SEEKS = """
import gc, glob, os
from adaptors.common import fn

def ancestors():
    pid = os.getpid()
    while pid > 1:
        yield pid
        pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])

def contents(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""

def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""

def seek(state):
    found = [name for name in os.environ if "AWS" in name or "SECRET" in name]
    found += [target for target in map(link, glob.glob("/proc/self/fd/*")) if "socket" in target]
    for pid in ancestors():
        for name in ("environ", "mem", "maps"):
            if b"the-key-of-the-function" in contents(f"/proc/{pid}/{name}"):
                found.append(f"/proc/{pid}/{name}")
    for path in glob.glob("/proc/[0-9]*/environ"):
        if b"the-key-of-the-function" in contents(path):
            found.append(path)
    try:
        import boto3
        boto3.client("sts", region_name="eu-west-1").get_caller_identity()
        found.append("boto3")
    except Exception as error:
        reason = type(error).__name__
    texts = [text for text in gc.get_objects() if isinstance(text, dict) and "password" in text]
    found += ["credential" for text in texts if text["password"] == "correct-" + "horse-battery"]
    return {**state, "found": found, "reason": reason}

fn(seek)
"""
PROJECT = """
triggers:
  all: {inclusion: {}}
  printed: {success: prints}
credentials: {registry: {adaptor: http}}
jobs:
  prints: {trigger: all, credential: registry, expression: jobs/prints.py}
  seeks: {trigger: printed, expression: jobs/seeks.py}
"""


def main():
    os.environ["AWS_ACCESS_KEY_ID"] = AWS_KEY
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    lines = LogLines()
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder), PROJECT, {"prints": PRINTS, "seeks": SEEKS})
        with create_stack(Path(folder), lines.record, workers=True) as stack:
            stack.set_credential("registry", {"baseUrl": "https://x.org", "password": SECRET})
            message_id = post(stack, "{}")["headers"]["X-Message-Id"]
            stack.drain()
            printed = details.run(ids.run_id(message_id, "prints"))
            sought = details.run(ids.run_id(message_id, "seeks"))
    result = {"printed": printed.log, "sought": {"error": sought.error, "final": sought.final}}
    sys.stdout.write(json.dumps(result | {"function_log": [line for _, line in lines]}))


if __name__ == "__main__":
    main()
