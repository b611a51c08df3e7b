"""The services of a stack on this machine: its table, queues, bucket and secrets in SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from openfn.storage.errors import CallRefused
from workbench.store import queries, resources
from workbench.store.database import Database
from workbench.store.description import Description
from workbench.store.indexes import Index
from workbench.store.objects import Bucket
from workbench.store.queues import Queues
from workbench.store.received import ReceivedRequests
from workbench.store.secrets import Secrets
from workbench.store.stack_template import StackTemplate
from workbench.store.tables import Table

Operation = Callable[..., dict[str, Any]]
_TABLE_OPERATIONS = (
    "put_item",
    "get_item",
    "update_item",
    "delete_item",
    "batch_get_item",
    "transact_write_items",
)
_QUEUE_OPERATIONS = (
    "send_message",
    "send_message_batch",
    "receive_message",
    "delete_message",
    "delete_message_batch",
    "change_message_visibility",
    "change_message_visibility_batch",
    "get_queue_attributes",
    "get_queue_url",
    "list_queues",
    "purge_queue",
)
_BUCKET_OPERATIONS = ("put_object", "get_object", "delete_object", "list_objects_v2")
_SECRET_OPERATIONS = (
    "get_secret_value",
    "put_secret_value",
    "update_secret",
    "create_secret",
    "delete_secret",
    "list_secrets",
    "describe_secret",
    "tag_resource",
    "untag_resource",
)


class LocalServices:
    """The services of the stack in a folder, or in memory without one."""

    def __init__(self, template: StackTemplate, folder: Path | None = None) -> None:
        """Open the store of a folder; create it if it is missing."""
        self.database = Database(folder)
        self.table = _table(self.database, template)
        self.queues = Queues(self.database, resources.queues(template))
        (bucket,) = template.resources("AWS::S3::Bucket")
        self.bucket = Bucket(self.database, template.physical_id(bucket))
        self.secrets = Secrets(self.database)
        self.stack = Description(template)
        self.received = ReceivedRequests(self.database)
        self._operations = self._by_name()

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation; raise `CallRefused` as the service of AWS does."""
        try:
            function = self._operations[service, operation]
        except KeyError:
            raise CallRefused(
                "UnknownOperation", f"The local stack has no operation {service} {operation}."
            ) from None
        return function(**request)

    def prepare(self, service: str) -> None:
        """Do nothing: the store is open."""

    def delete_expired(self) -> None:
        """Delete what is older than its retention period, as AWS does by itself."""
        while self.table.delete_expired(time.time()):
            pass
        for prefix, days in self.stack.expiring_prefixes.items():
            self.bucket.delete_expired((prefix,), time.time() - days * 86_400)
        self.queues.delete_expired()
        retention_days = max(self.stack.expiring_prefixes.values())
        self.received.delete_older(time.time() - retention_days * 86_400)

    def close(self) -> None:
        """Close the store."""
        self.database.close()

    def _by_name(self) -> Mapping[tuple[str, str], Operation]:
        owners: tuple[tuple[str, object, tuple[str, ...]], ...] = (
            ("dynamodb", self.table, _TABLE_OPERATIONS),
            ("sqs", self.queues, _QUEUE_OPERATIONS),
            ("s3", self.bucket, _BUCKET_OPERATIONS),
            ("secretsmanager", self.secrets, _SECRET_OPERATIONS),
            ("cloudformation", self.stack, ("describe_stack_resource",)),
            ("cloudwatch", self.stack, ("get_metric_data", "describe_alarms")),
        )
        operations: dict[tuple[str, str], Operation] = {
            (service, name): getattr(owner, name)
            for service, owner, names in owners
            for name in names
        }
        operations["dynamodb", "query"] = partial(queries.query, self.table)
        operations["dynamodb", "scan"] = partial(queries.scan, self.table)
        return operations


def _table(database: Database, template: StackTemplate) -> Table:
    ((name, properties),) = template.resources("AWS::DynamoDB::Table").items()
    indexes = [_index(index) for index in properties.get("GlobalSecondaryIndexes", [])]
    expires = properties["TimeToLiveSpecification"]["AttributeName"]
    return Table(database, template.physical_id(name), indexes, expires)


def _index(properties: Mapping[str, Any]) -> Index:
    keys = {key["KeyType"]: key["AttributeName"] for key in properties["KeySchema"]}
    projection = properties["Projection"]
    projected = None
    if projection["ProjectionType"] != "ALL":
        projected = frozenset(projection.get("NonKeyAttributes", []))
    return Index(properties["IndexName"], keys["HASH"], keys["RANGE"], projected)
