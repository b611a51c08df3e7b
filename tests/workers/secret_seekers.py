"""Jobs that print secrets, and that look for them."""

from __future__ import annotations

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
