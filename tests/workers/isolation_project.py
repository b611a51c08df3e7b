"""The jobs whose isolation is tested: hostile ones, and some that look for secrets or globals."""

from __future__ import annotations

from tests.workers import hostile_jobs, secret_seekers
from tests.workers.test_runs import JOBS

LOCKS = """
import multiprocessing
from adaptors.common import fn

def lock(state):
    try:
        multiprocessing.Lock()
    except OSError as error:
        return {**state, "error": error.strerror}
    return state

fn(lock)
"""
PROJECT = f"""
credentials: {{registry: {{adaptor: http}}}}
{hostile_jobs.PROJECT}
  shows: {{trigger: all, credential: registry, expression: jobs/shows.py}}
  seeks: {{trigger: all, expression: jobs/seeks.py}}
  locks: {{trigger: all, expression: jobs/locks.py}}
  remembers: {{trigger: all, expression: jobs/remembers.py}}
  remembers-too: {{trigger: all, expression: jobs/remembers.py}}
"""
SOURCES = {
    **hostile_jobs.JOBS,
    "shows": secret_seekers.PRINTS,
    "seeks": secret_seekers.SEEKS,
    "locks": LOCKS,
    "remembers": JOBS["remembers"],
    "memory": JOBS["memory"],
}
BATCHES = [
    list(hostile_jobs.HOSTILE),
    ["fine", "patches", "shows", "locks", "remembers", "remembers-too"],
    ["seeks", "remembers"],
]


def credential():
    """Return the credential of the job that prints it."""
    return {"baseUrl": "https://x.org", "password": secret_seekers.SECRET}


def execute(stack, invoke):
    """Execute the batches; return the records of each."""
    hostile_jobs.execute(stack, ["fine"], invoke)  # a cold start takes time of its own
    batches = [hostile_jobs.execute(stack, names, invoke) for names in BATCHES]
    return list(map(hostile_jobs.shortened, batches))
