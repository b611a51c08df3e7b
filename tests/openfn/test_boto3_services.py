"""The clients of AWS's services, which the threads of a runner share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from openfn.storage import boto3_services

# No other test uses this service, so that its client does not exist yet.
SERVICE = "firehose"


def test_threads_that_need_a_new_client_at_the_same_time_share_one(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    barrier = threading.Barrier(4)

    def create(_number):
        barrier.wait()
        return boto3_services.client(SERVICE)

    with ThreadPoolExecutor(4) as threads:
        clients = list(threads.map(create, range(4)))
    assert len({id(client) for client in clients}) == 1
