"""The secrets of a connected stack's credentials in AWS Secrets Manager."""

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
    """Return the name of a credential's secret in Secrets Manager."""
    return aws.setting(Setting.CREDENTIALS_PREFIX) + name


def read(name: str) -> dict[str, Any] | None:
    """Read a credential; None without a secret, {} if it is not an object."""
    try:
        response = boto3.client("secretsmanager").get_secret_value(SecretId=full_name(name))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise _error_of(name, error) from None
    try:
        body = json.loads(response.get("SecretString", ""))
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def write(name: str, body: Mapping[str, Any], *, new: bool) -> None:
    """Create a credential's secret, or replace its value."""
    client, text = boto3.client("secretsmanager"), json.dumps(dict(body))
    if new:
        try:
            client.create_secret(Name=full_name(name), SecretString=text)
        except client.exceptions.ResourceExistsException:
            pass  # it was created without a value
        else:
            return
    client.put_secret_value(SecretId=full_name(name), SecretString=text)


def change_times() -> dict[str, str]:
    """Return when each of the stack's secrets was last changed (UTC), by credential."""
    prefix = aws.setting(Setting.CREDENTIALS_PREFIX)
    pages = boto3.client("secretsmanager").get_paginator("list_secrets")
    times = {}
    for page in pages.paginate(Filters=[{"Key": "name", "Values": [prefix]}]):
        for secret in page["SecretList"]:
            changed_at = secret.get("LastChangedDate") or secret["CreatedDate"]
            times[secret["Name"].removeprefix(prefix)] = f"{changed_at:%Y-%m-%d %H:%M}"
    return times


def _error_of(name: str, error: ClientError) -> Exception:
    if error.response["Error"]["Code"] != "InvalidRequestException":
        return error
    return CommandError(
        f"The secret {full_name(name)} is being deleted. Restore it first with "
        f"`aws secretsmanager restore-secret --secret-id {full_name(name)}`."
    )
