"""What a stack stores, as JSON files: read from an embedded stack, and written into another.

Only boto3 and the functions' environment variables are used, so that the code of any release can
do both. The files of a record are:

    project.json     the compiled project, in the compiler's order
    source.json      the project's source files by path, as lines
    table.json       the table's items as DynamoDB types them, bytes as base64
    queues.json      the bodies and groups in each queue, in the order of their delivery
    bucket.json      the bucket's objects by key, as text
    secrets.json     the names of the secrets
    situations.json  when it was recorded, and the deliveries that each situation must lead to
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from uuid import uuid4

import boto3

from tests.upgrade.organization import PHOTO

_PHOTO = "<photo>"


def save(folder, source, situations):
    """Write everything that the embedded stack stores into a folder; this empties its queues."""
    folder.mkdir(parents=True, exist_ok=True)
    compiled = json.loads(Path(os.environ["PROJECT_DIR"], "project.json").read_text("utf-8"))
    _write(folder / "project.json", compiled, sort=False)  # positions in it count
    _write(folder / "source.json", {path: text.splitlines() for path, text in source.items()})
    _write(folder / "table.json", [_encoded(item) for item in table_items()])
    _write(folder / "queues.json", {name: _take_all(url) for name, url in queue_urls().items()})
    _write(folder / "bucket.json", _objects())
    _write(folder / "secrets.json", sorted(_secret_names()))
    _write(folder / "situations.json", situations)


def read(folder):
    """Return the content of a record's files by their names."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


def write_source(record, folder):
    """Write the source of a record's project into a folder."""
    files = {path: "\n".join([*lines, ""]) for path, lines in record["source"].items()}
    write_files(files, folder)


def write_files(files, folder):
    """Write texts into a folder by their paths."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def load(record, secret):
    """Put a record into the embedded stack, which has the compiled jobs; every secret is alike."""
    path = Path(os.environ["PROJECT_DIR"], "project.json")
    path.write_text(json.dumps(record["project"]), "utf-8")
    for item in record["table"]:
        boto3.client("dynamodb").put_item(TableName=os.environ["TABLE_NAME"], Item=decoded(item))
    for key, text in record["bucket"].items():
        content = text.replace(_PHOTO, PHOTO).encode()
        boto3.client("s3").put_object(Bucket=os.environ["BUCKET_NAME"], Key=key, Body=content)
    for name in record["secrets"]:
        boto3.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(secret))
    for name, url in queue_urls().items():
        for queued in record["queues"][name]:
            boto3.client("sqs").send_message(
                QueueUrl=url,
                MessageBody=queued["body"],
                MessageGroupId=queued["group"],
                MessageDeduplicationId=uuid4().hex,
            )


def table_items():
    """Return all items of the table as DynamoDB types them, sorted by key."""
    pages = boto3.client("dynamodb").get_paginator("scan")
    table = os.environ["TABLE_NAME"]
    items = [item for page in pages.paginate(TableName=table) for item in page["Items"]]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def queue_urls():
    """Return the URLs of the queues and dead-letter queues."""
    sqs = boto3.client("sqs")
    urls = {"match": os.environ["MATCH_QUEUE_URL"], "run": os.environ["RUN_QUEUE_URL"]}
    for name, url in list(urls.items()):
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        policy = json.loads(answer["Attributes"]["RedrivePolicy"])
        dead = policy["deadLetterTargetArn"].split(":")[-1]
        urls[f"{name} dead letters"] = sqs.get_queue_url(QueueName=dead)["QueueUrl"]
    return urls


def queue_sizes():
    """Return the number of messages in each queue, hidden ones included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sizes = {}
    for name, url in queue_urls().items():
        answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        sizes[name] = sum(map(int, answer["Attributes"].values()))
    return sizes


def object_keys():
    """Return the keys of the bucket's objects."""
    response = boto3.client("s3").list_objects_v2(Bucket=os.environ["BUCKET_NAME"])
    return [entry["Key"] for entry in response.get("Contents", [])]


def decoded(item):
    """Return an item of a record as boto3 takes it."""
    return {
        name: {kind: base64.b64decode(value) if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }


def plain(item):
    """Return an item without the types of its values."""
    return {name: next(iter(typed.values())) for name, typed in item.items()}


def _encoded(item):
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }


def _objects():
    bucket, s3 = os.environ["BUCKET_NAME"], boto3.client("s3")
    texts = {
        key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in object_keys()
    }
    return {key: text.replace(PHOTO, _PHOTO) for key, text in texts.items()}


def _secret_names():
    secrets = boto3.client("secretsmanager").list_secrets()["SecretList"]
    return [secret["Name"] for secret in secrets]


def _take_all(url):
    sqs, taken = boto3.client("sqs"), []
    while batch := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
    ).get("Messages"):
        for message in batch:
            attributes = message["Attributes"]
            taken.append(
                {
                    "body": message["Body"],
                    "group": attributes["MessageGroupId"],
                    "received": int(attributes["ApproximateReceiveCount"]) - 1,
                    "sent": int(attributes["SentTimestamp"]),
                }
            )
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return sorted(taken, key=lambda message: message["sent"])


def _write(path, content, *, sort=True):
    path.write_text(json.dumps(content, indent=1, sort_keys=sort) + "\n", "utf-8")
