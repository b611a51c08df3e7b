"""The secrets of a stack's credentials, in AWS Secrets Manager, of a stack that is `connected`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from openfn.storage import aws
from openfn.storage.aws import Setting
from workbench.errors import CommandError


def full_name(name: str) -> str:
    """Give the name that the secret of a credential has in Secrets Manager."""
    return aws.setting(Setting.CREDENTIALS_PREFIX) + name


def read(name: str) -> dict[str, Any] | None:
    """Read a credential's body; `None` when there is no such secret, empty when it is no object."""
    try:
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=full_name(name))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise _refused(name, error) from None
    try:
        body = json.loads(answer.get("SecretString", ""))
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def write(name: str, body: Mapping[str, Any], *, new: bool) -> None:
    """Create a credential's secret, or put a new value in the place of the old."""
    client, text = boto3.client("secretsmanager"), json.dumps(dict(body))
    if new:
        try:
            client.create_secret(Name=full_name(name), SecretString=text)
        except client.exceptions.ResourceExistsException:
            pass  # one that was made without a value
        else:
            return
    client.put_secret_value(SecretId=full_name(name), SecretString=text)


def changed() -> dict[str, str]:
    """Give when each secret below the prefix was last changed (UTC), by the name after it."""
    prefix = aws.setting(Setting.CREDENTIALS_PREFIX)
    pages = boto3.client("secretsmanager").get_paginator("list_secrets")
    found = {}
    for page in pages.paginate(Filters=[{"Key": "name", "Values": [prefix]}]):
        for secret in page["SecretList"]:
            when = secret.get("LastChangedDate") or secret["CreatedDate"]
            found[secret["Name"].removeprefix(prefix)] = f"{when:%Y-%m-%d %H:%M}"
    return found


def _refused(name: str, error: ClientError) -> Exception:
    if error.response["Error"]["Code"] != "InvalidRequestException":
        return error
    return CommandError(
        f"the secret {full_name(name)} is being deleted; first take it back: "
        f"aws secretsmanager restore-secret --secret-id {full_name(name)}"
    )
