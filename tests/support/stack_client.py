"""Call the services of the current stack as boto3's clients do, whatever answers the calls."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from openfn.storage import services
from tests.support.call_hooks import is_boto3


def client(service):
    """Return an object with the operations of a service as methods."""
    return _Client(service)


@dataclass(frozen=True)
class _Client:
    service: str

    def __getattr__(self, operation):
        return partial(services.call, self.service, operation)


def object_keys(bucket, prefix=""):
    """Return the keys of the objects of a bucket that begin with a prefix."""
    pages = services.pages("s3", "list_objects_v2", Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def delete_objects(bucket, prefix=""):
    """Delete the objects of a bucket whose keys begin with a prefix."""
    for key in object_keys(bucket, prefix):
        services.call("s3", "delete_object", Bucket=bucket, Key=key)


def delete_table():
    """Delete the table of a stack on this machine for good: calls then fail."""
    table = services.current().table
    object.__setattr__(table, "name", "deleted")


@contextmanager
def without_queue(stack, name):
    """Delete a queue (`RUN_QUEUE_URL` or `MATCH_QUEUE_URL`) and create an empty one at the end."""
    url = stack.resources.functions["matcher"].environment[name]
    if is_boto3(services.current()):
        before = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        client("sqs").delete_queue(QueueUrl=url)
        yield
        names = ("FifoQueue", "VisibilityTimeout", "RedrivePolicy")
        attributes = {name: before["Attributes"][name] for name in names}
        client("sqs").create_queue(QueueName=url.rsplit("/", 1)[1], Attributes=attributes)
        return
    local = services.current()
    with local.database.write() as connection:
        connection.execute("DELETE FROM queued WHERE queue = ?", (url,))
    queue = local.queues.queues.pop(url)
    yield
    local.queues.queues[url] = queue


def show_hidden(url):
    """Make all messages of a queue of a stack on this machine visible."""
    with services.current().database.write() as connection:
        connection.execute("UPDATE queued SET visible_at = 0 WHERE queue = ?", (url,))


def change_queue(url, **changes):
    """Change a queue of a stack on this machine, such as its `hidden_seconds`."""
    queues = services.current().queues.queues
    queues[url] = replace(queues[url], **changes)
